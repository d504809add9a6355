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

// Paths of an issuer's files, relative to the issuer's URL.
const (
	DiscoveryPath = ".well-known/openid-configuration"
	KeysPath      = "jwks.json"
)

// A jwk is a public key in a JSON Web Key Set. The first four fields are in alphabetical order, as the thumbprint
// requires.
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

// KeyID returns the ID of a public key: its JWK thumbprint.
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

// Discovery returns the discovery file, which tells AWS where to find the issuer's keys.
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

// JWKS returns a key set file with the keys that AWS may trust. It fails if a key is not on P-256.
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

// An IssuerError reports an issuer URL that AWS does not accept, or a URL with a path that web servers may rewrite,
// such as /a/../b.
type IssuerError struct{ Found, Reason string }

func (e *IssuerError) Error() string { return fmt.Sprintf("issuer %q %s", e.Found, e.Reason) }

// CheckIssuer returns an [*IssuerError] for a URL that AWS does not accept as an issuer, and for a URL with a path
// that web servers may rewrite, such as /a/../b. For trials, CheckIssuer accepts plain HTTP on this computer.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html
func CheckIssuer(issuer string) error {
	u, err := url.Parse(issuer)
	invalid := func(why string) error { return &IssuerError{issuer, why} }
	host := ""
	if err == nil {
		host = u.Hostname()
	}
	switch {
	case err != nil || host == "" || u.User != nil:
		return invalid("is not a valid URL, expected one such as https://id.example.com/alice")
	case u.Scheme != "https" && !(u.Scheme == "http" && (host == "127.0.0.1" || host == "localhost")):
		return invalid("does not begin with https://, as AWS requires")
	case u.RawQuery != "" || u.Fragment != "" || strings.ContainsAny(issuer, "?#"):
		return invalid("has a query, which AWS does not accept")
	case strings.HasSuffix(issuer, "/"):
		return invalid("ends with a slash, expected none: AWS compares the whole URL")
	case u.Path != "" && path.Clean(u.Path) != u.Path:
		return invalid("has a path that servers may rewrite, expected " + path.Clean(u.Path))
	case len(issuer) > 255:
		return invalid("is longer than 255 characters, the maximum that AWS accepts")
	}
	return nil
}
