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

// fetchTime is how long AWS waits for a provider, here.
const fetchTime = 5 * time.Second

// retrieval is what became of asking a token's provider for its keys.
type retrieval struct {
	keys map[string]crypto.PublicKey
	err  error
}

// retrieve asks the provider of the token in a call for its keys, as AWS does: its configuration first, and then the
// keys that the configuration names. It is done before the fake is locked, for the provider may be the fake's own.
func (a *AWS) retrieve(ctx context.Context, params url.Values) *retrieval {
	t, err := parseJWT(params.Get("WebIdentityToken"))
	if err != nil {
		return nil // is refused for that
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
		return nil // AWS asks again when it pleases, not for each unknown key
	}
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	var r retrieval
	r.keys, r.err = fetchKeys(ctx, issuer, at)
	return &r
}

// fetchKeys gets an issuer's keys from where its files are served.
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

// jwk is a public key as a provider publishes it. https://www.rfc-editor.org/rfc/rfc7518#section-6
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

// CacheKeys makes the fake keep a provider's keys for so long before it asks for them again, even for one that it does
// not know; 0, as at first, is not at all. [K]: for how long AWS does is not known.
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
