package signin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/go-jose/go-jose/v4"
)

// keySet is a provider's public keys as they were fetched. Unlike that of go-oidc it fetches none by
// itself: between the trade of a refresh token and the storage of its answer nothing may be called.
type keySet struct {
	keys   []jose.JSONWebKey
	failed bool // no key has verified the last signature
}

// FetchKeys fetches the keys that Verify goes by. It fails with a [*ConfigurationError], or with
// what the HTTP client returned.
func (p *Provider) FetchKeys(ctx context.Context) error {
	bad := func(why string) error { return &ConfigurationError{Issuer: p.client.Issuer, Reason: "jwks_uri " + why} }
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.metadata.Keys, nil)
	if err != nil {
		return bad("cannot be called")
	}
	resp, err := p.client.HTTP.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return bad(fmt.Sprintf("answered HTTP %d", resp.StatusCode))
	}
	var set jose.JSONWebKeySet
	if json.Unmarshal(body, &set) != nil {
		return bad("answered something that is not a set of keys")
	}
	p.keys = &keySet{keys: set.Keys}
	return nil
}

var errNoKey = errors.New("no key of the provider verifies it")

// VerifySignature returns the payload of a token that one of the keys has signed.
func (s *keySet) VerifySignature(_ context.Context, token string) ([]byte, error) {
	s.failed = false
	signed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512, jose.ES256, jose.ES384, jose.ES512})
	if err != nil {
		return nil, errors.New("it is not a signed token")
	}
	for _, k := range s.keys {
		if id := signed.Signatures[0].Header.KeyID; id != "" && id != k.KeyID {
			continue
		}
		if payload, err := signed.Verify(&k); err == nil {
			return payload, nil
		}
	}
	s.failed = true
	return nil, errNoKey
}
