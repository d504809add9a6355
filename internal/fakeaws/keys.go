package fakeaws

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// fetchTime is how long the fake waits for the files of an OIDC provider.
const fetchTime = 5 * time.Second

// fetchedKeys is the result of fetching the keys of an OIDC provider.
type fetchedKeys struct {
	keys map[string]crypto.PublicKey
	err  error
}

// fetchKeysOf fetches the keys of the provider that issued the call's token, as AWS does: first the provider's
// configuration, then the keys at the address in the configuration. The caller must not hold the fake's lock, because
// this fake may serve the provider.
func (a *AWS) fetchKeysOf(ctx context.Context, params url.Values) *fetchedKeys {
	t, err := parseJWT(params.Get("WebIdentityToken"))
	if err != nil {
		return nil // checkToken refuses the call later, because the token cannot be parsed
	}
	a.mu.Lock()
	arn := params.Get("RoleArn")
	p := a.issuers[providerARN(partitionOf(arn), accountOf(arn), t.text("iss"))]
	if p == nil || p.given || p.keys[t.header.KeyID] != nil && a.now().Before(p.fetched.Add(a.keyCache)) {
		a.mu.Unlock()
		return nil
	}
	issuer, at, recent := p.url, p.at, !p.fetched.IsZero() && a.now().Before(p.fetched.Add(a.keyCache))
	a.mu.Unlock()
	if recent {
		return nil // AWS does not fetch cached keys again, even if the token names an unknown key id
	}
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	var r fetchedKeys
	r.keys, r.err = fetchKeys(ctx, issuer, at)
	return &r
}

// fetchKeys fetches an issuer's keys. The parameter at is the address that serves the issuer's files.
func fetchKeys(ctx context.Context, issuer, at string) (map[string]crypto.PublicKey, error) {
	var configuration struct {
		Issuer string `json:"issuer"`
		Keys   string `json:"jwks_uri"`
	}
	if err := fetchJSON(ctx, at+"/.well-known/openid-configuration", &configuration); err != nil {
		return nil, err
	}
	if configuration.Issuer != issuer {
		return nil, fmt.Errorf("the configuration is of %q, want %q", configuration.Issuer, issuer)
	}
	if rest, below := strings.CutPrefix(configuration.Keys, issuer); below {
		configuration.Keys = at + rest
	}
	var set struct {
		Keys []jwk `json:"keys"`
	}
	if err := fetchJSON(ctx, configuration.Keys, &set); err != nil {
		return nil, err
	}
	keys := map[string]crypto.PublicKey{}
	for _, k := range set.Keys {
		key, err := k.public()
		if err != nil {
			return nil, err
		}
		keys[k.KeyID] = key
	}
	return keys, nil
}

func fetchJSON(ctx context.Context, from string, into any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", from, resp.Status)
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxBody)).Decode(into); err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	return nil
}

// jwk is a public key in the JSON form that providers publish. https://www.rfc-editor.org/rfc/rfc7518#section-6
type jwk struct {
	Type  string `json:"kty"`
	KeyID string `json:"kid,omitempty"`
	Alg   string `json:"alg,omitempty"`
	Use   string `json:"use,omitempty"`
	Curve string `json:"crv,omitempty"`
	X     string `json:"x,omitempty"`
	Y     string `json:"y,omitempty"`
	N     string `json:"n,omitempty"`
	E     string `json:"e,omitempty"`
}

var curves = map[string]elliptic.Curve{"P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521()}

func (k jwk) public() (crypto.PublicKey, error) {
	var numbers []*big.Int
	for _, text := range []string{k.X, k.Y, k.N, k.E} {
		raw, err := base64url.Strict().DecodeString(text)
		if err != nil {
			return nil, fmt.Errorf("key %s: %w", k.KeyID, err)
		}
		numbers = append(numbers, new(big.Int).SetBytes(raw))
	}
	switch {
	case k.Type == "RSA" && numbers[3].IsInt64():
		return &rsa.PublicKey{N: numbers[2], E: int(numbers[3].Int64())}, nil
	case k.Type == "EC" && curves[k.Curve] != nil:
		curve := curves[k.Curve]
		size := (curve.Params().BitSize + 7) / 8
		if numbers[0].BitLen() > 8*size || numbers[1].BitLen() > 8*size {
			return nil, fmt.Errorf("key %s: a coordinate is longer than its curve's", k.KeyID)
		}
		point := append([]byte{4}, numbers[0].FillBytes(make([]byte, size))...)
		key, err := ecdsa.ParseUncompressedPublicKey(curve, append(point, numbers[1].FillBytes(make([]byte, size))...))
		if err != nil {
			return nil, fmt.Errorf("key %s: %w", k.KeyID, err)
		}
		return key, nil
	}
	return nil, fmt.Errorf("key %s: kind %s %s, want RSA, or EC on P-256, P-384 or P-521", k.KeyID, k.Type, k.Curve)
}

// CacheKeys sets how long the fake caches the keys of a provider. While keys are cached, they are not fetched again,
// even if a token names an unknown key. With 0, the default, keys are not cached. AWS does not document how long
// it caches keys.
func (a *AWS) CacheKeys(lasts time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.keyCache = lasts
}

func cacheKeys(a *AWS, q url.Values, _ []byte) (string, error) {
	lasts, err := time.ParseDuration(q.Get("lasts"))
	if err != nil {
		return "", fmt.Errorf("lasts: %w", err)
	}
	a.CacheKeys(lasts)
	return "", nil
}
