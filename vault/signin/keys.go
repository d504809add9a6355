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

// keySet holds the public keys that were fetched from a provider. Unlike go-oidc's key set, it never fetches keys
// when it verifies a token. A refresh token may be valid only once. So after aws-vault has used the token, it must
// store the new token before it makes another network call.
type keySet struct {
	keys   []jose.JSONWebKey
	failed bool // whether no key verified the last signature
}

// FetchKeys fetches the provider's public keys for Verify. It returns a [*ConfigurationError], or an error of
// the HTTP client.
func (p *Provider) FetchKeys(ctx context.Context) error {
	bad := func(reason string) error {
		return &ConfigurationError{Issuer: p.client.Issuer, Reason: "jwks_uri " + reason}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.metadata.Keys, nil)
	if err != nil {
		return bad("is not a valid URL")
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
		return bad(fmt.Sprintf("returned HTTP %d", resp.StatusCode))
	}
	var set jose.JSONWebKeySet
	if json.Unmarshal(body, &set) != nil {
		return bad("did not return a valid JSON Web Key Set")
	}
	p.keys = &keySet{keys: set.Keys}
	return nil
}

var errNoKey = errors.New("no key of the provider matches the signature")

// VerifySignature returns the payload of a token that is signed with one of the keys.
func (s *keySet) VerifySignature(_ context.Context, token string) ([]byte, error) {
	s.failed = false
	signed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512, jose.ES256, jose.ES384, jose.ES512})
	if err != nil {
		return nil, errors.New("the token is not signed")
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
