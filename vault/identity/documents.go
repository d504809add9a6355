package identity

import (
	"crypto"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/url"
	"path"
	"strings"
)

// The files of an issuer, below its URL.
const (
	DiscoveryPath = ".well-known/openid-configuration"
	KeysPath      = "jwks.json"
)

// A jwk is a public key as the files have it. Its fields are in the order of their names,
// which the key's name depends on.
// https://www.rfc-editor.org/rfc/rfc7517#section-4
type jwk struct {
	Curve string `json:"crv"`
	Type  string `json:"kty"`
	X     string `json:"x"`
	Y     string `json:"y"`

	Alg string `json:"alg,omitempty"`
	Use string `json:"use,omitempty"`
	ID  string `json:"kid,omitempty"`
}

func newJWK(public crypto.PublicKey) (jwk, error) {
	p, err := point(public)
	if err != nil {
		return jwk{}, err
	}
	return jwk{Curve: "P-256", Type: "EC", X: encode(p[:coordinate]), Y: encode(p[coordinate:])}, nil
}

// KeyID names a public key by its thumbprint.
// https://www.rfc-editor.org/rfc/rfc7638#section-3
func KeyID(public crypto.PublicKey) (string, error) {
	k, err := newJWK(public)
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(k)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return encode(sum[:]), nil
}

// Discovery is the file by which AWS finds the keys of an issuer.
// https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderMetadata
func Discovery(issuer string) []byte {
	text, _ := json.MarshalIndent(map[string]any{
		"issuer":                                issuer,
		"jwks_uri":                              issuer + "/" + KeysPath,
		"response_types_supported":              []string{"id_token"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{"ES256"},
		"claims_supported":                      []string{"iss", "sub", "aud", "iat", "exp", "jti", claimSource, claimTags},
	}, "", "  ")
	return append(text, '\n')
}

// JWKS is the file of the keys that AWS may trust. It fails for a key that is not on P-256.
// https://www.rfc-editor.org/rfc/rfc7517#section-5
func JWKS(keys ...crypto.PublicKey) ([]byte, error) {
	set := struct {
		Keys []jwk `json:"keys"`
	}{[]jwk{}}
	for _, key := range keys {
		k, err := newJWK(key)
		if err != nil {
			return nil, err
		}
		if k.ID, err = KeyID(key); err != nil {
			return nil, err
		}
		k.Alg, k.Use = "ES256", "sig"
		set.Keys = append(set.Keys, k)
	}
	text, err := json.MarshalIndent(set, "", "  ")
	return append(text, '\n'), err
}

// An IssuerError is an issuer that AWS or a static host could not serve as it is written.
type IssuerError struct{ Found, Why string }

func (e *IssuerError) Error() string { return fmt.Sprintf("issuer %q %s", e.Found, e.Why) }

// CheckIssuer returns an [*IssuerError] for a URL that AWS takes for no issuer, or takes
// for another than the one that was meant. This machine may be one without encryption, so
// that it can be tried.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html
func CheckIssuer(issuer string) error {
	u, err := url.Parse(issuer)
	bad := func(why string) error { return &IssuerError{issuer, why} }
	host := ""
	if err == nil {
		host = u.Hostname()
	}
	switch {
	case err != nil || host == "" || u.User != nil:
		return bad("is no address of a host, want one such as https://id.example.com/alice")
	case u.Scheme != "https" && !(u.Scheme == "http" && (host == "127.0.0.1" || host == "localhost")):
		return bad("does not begin with https://, which AWS wants")
	case u.RawQuery != "" || u.Fragment != "" || strings.ContainsAny(issuer, "?#"):
		return bad("has a query, which AWS does not take")
	case strings.HasSuffix(issuer, "/"):
		return bad("ends in a slash: AWS compares the whole text, want it without")
	case u.Path != "" && path.Clean(u.Path) != u.Path:
		return bad("has a path that servers would write otherwise, want " + path.Clean(u.Path))
	case len(issuer) > 255:
		return bad("is longer than 255 characters, the most that AWS takes")
	}
	return nil
}
