package vaulttest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// provider is an OIDC provider that an account has registered.
type provider struct {
	url       string
	audiences []string
	keys      map[string]crypto.PublicKey // by key id
	issuer    *Issuer                     // if it is ours
}

// Issuer signs web identity tokens.
type Issuer struct {
	aws                *AWS
	url, arn, audience string
	ec                 *ecdsa.PrivateKey
	rsa                *rsa.PrivateKey
}

// AddProvider lets the account's roles trust tokens of an issuer whose public keys (*ecdsa.PublicKey, *rsa.PublicKey),
// by their key ids, are given; AWS would fetch them. It returns the provider's ARN, which a role then Trusts.
func (a *AWS) AddProvider(account, issuer string, audiences []string, keys map[string]crypto.PublicKey) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	arn := providerARN("aws", account, issuer)
	a.issuers[arn] = &provider{url: issuer, audiences: audiences, keys: keys}
	return arn
}

func providerARN(partition, account, issuer string) string {
	_, host, _ := strings.Cut(issuer, "://")
	return "arn:" + partition + ":iam::" + account + ":oidc-provider/" + host
}

// AddIssuer makes an issuer of the fake's own, known to the account for one audience.
func (a *AWS) AddIssuer(account, name, audience string) (*Issuer, error) {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("issuer %s: %w", name, err)
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, fmt.Errorf("issuer %s: %w", name, err)
	}
	i := &Issuer{aws: a, url: a.url + "/_fake/issuer/" + name, audience: audience, ec: ec, rsa: key}
	i.arn = a.AddProvider(account, i.url, []string{audience}, map[string]crypto.PublicKey{"ec": &ec.PublicKey, "rsa": &key.PublicKey})
	a.mu.Lock()
	defer a.mu.Unlock()
	a.issuers[i.arn].issuer = i
	return i, nil
}

// URL is what the issuer's tokens name as iss; below it are its configuration and keys.
func (i *Issuer) URL() string { return i.url }

// ARN is the provider's, for Role.Trusts.
func (i *Issuer) ARN() string { return i.arn }

// Token is a token for sub, good for an hour by the fake's clock, signed with ES256. claims are put over its own; one
// that is nil takes the claim out.
func (i *Issuer) Token(sub string, claims map[string]any) (string, error) {
	return signJWT(jwtHeader{"ES256", "ec", "JWT"}, i.claims(sub, claims), i.ec)
}

// TokenRS256 is Token, signed with RS256.
func (i *Issuer) TokenRS256(sub string, claims map[string]any) (string, error) {
	return signJWT(jwtHeader{"RS256", "rsa", "JWT"}, i.claims(sub, claims), i.rsa)
}

func (i *Issuer) claims(sub string, more map[string]any) map[string]any {
	now := i.aws.Now()
	all := map[string]any{"iss": i.url, "sub": sub, "aud": i.audience, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix()}
	maps.Copy(all, more)
	maps.DeleteFunc(all, func(_ string, v any) bool { return v == nil })
	return all
}

// discovery answers as one of the fake's issuers: its configuration and its keys.
// https://openid.net/specs/openid-connect-discovery-1_0.html
func (a *AWS) discovery(w http.ResponseWriter, path string) {
	name, document, _ := strings.Cut(path, "/")
	i := a.issuerNamed(name)
	var out any
	switch {
	case i == nil:
	case document == ".well-known/openid-configuration":
		out = map[string]any{
			"issuer": i.url, "jwks_uri": i.url + "/keys", "response_types_supported": []string{"id_token"},
			"subject_types_supported": []string{"public"}, "id_token_signing_alg_values_supported": []string{"ES256", "RS256"},
		}
	case document == "keys":
		out = map[string]any{"keys": i.jwks()}
	}
	if out == nil {
		http.Error(w, "no such document", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(out) // a client that has left is its own business
}

func (a *AWS) issuerNamed(name string) *Issuer {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, p := range a.issuers {
		if p.issuer != nil && p.url == a.url+"/_fake/issuer/"+name {
			return p.issuer
		}
	}
	return nil
}

// jwks are the issuer's public keys. https://www.rfc-editor.org/rfc/rfc7518#section-6
func (i *Issuer) jwks() []map[string]string {
	point, err := i.ec.PublicKey.Bytes() // 4, x and y of 32 bytes each
	if err != nil {
		return nil
	}
	return []map[string]string{
		{"kty": "EC", "crv": "P-256", "kid": "ec", "alg": "ES256", "use": "sig",
			"x": base64url.EncodeToString(point[1:33]), "y": base64url.EncodeToString(point[33:])},
		{"kty": "RSA", "kid": "rsa", "alg": "RS256", "use": "sig",
			"n": base64url.EncodeToString(i.rsa.N.Bytes()), "e": base64url.EncodeToString(big.NewInt(int64(i.rsa.E)).Bytes())},
	}
}

func addIssuer(a *AWS, q url.Values, _ []byte) (string, error) {
	i, err := a.AddIssuer(q.Get("account"), q.Get("name"), q.Get("audience"))
	if err != nil {
		return "", err
	}
	return i.URL() + "\n" + i.ARN(), nil
}

func identity(a *AWS, q url.Values, body []byte) (string, error) {
	i := a.issuerNamed(q.Get("name"))
	if i == nil {
		return "", fmt.Errorf("no issuer %q", q.Get("name"))
	}
	var claims map[string]any
	if len(body) > 0 {
		if err := json.Unmarshal(body, &claims); err != nil {
			return "", fmt.Errorf("claims: %w", err)
		}
	}
	return i.Token(q.Get("sub"), claims)
}
