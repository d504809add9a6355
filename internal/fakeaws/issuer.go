package fakeaws

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
	"net/url"
	"strings"
	"time"
)

// provider is an OIDC provider that is registered in an account.
type provider struct {
	url       string
	at        string // base address of the issuer's files; the issuer's URL unless AddProviderAt set it
	audiences []string
	given     bool                        // whether AddProvider received the keys; if so, they are not fetched
	keys      map[string]crypto.PublicKey // the public keys by key id
	fetched   time.Time
	issuer    *Issuer // the Issuer, if this fake serves it; otherwise nil
}

// Issuer is an OIDC issuer that this fake serves. It signs web identity tokens.
type Issuer struct {
	aws                *AWS
	url, arn, audience string
	ec                 *ecdsa.PrivateKey
	rsa                *rsa.PrivateKey
	made               int // number of keys of each kind (EC and RSA) created so far
	people             Login
	desk               issuerState
}

// AddProvider registers an OIDC provider in an account, and returns the provider's ARN for [Role.Trusts]. The map
// keys contains the provider's public keys (*ecdsa.PublicKey or *rsa.PublicKey) by key id. If the map is nil, the
// fake fetches the public keys, as AWS does.
func (a *AWS) AddProvider(account, issuer string, audiences []string, keys map[string]crypto.PublicKey) string {
	return a.addProvider(account, &provider{url: issuer, at: issuer, audiences: audiences, keys: keys, given: keys != nil})
}

// AddProviderAt is like AddProvider, but the fake fetches the issuer's files from another address, the argument at.
// Tests need this because they cannot serve files on the issuer's real host.
func (a *AWS) AddProviderAt(account, issuer, at string, audiences []string) string {
	return a.addProvider(account, &provider{url: issuer, at: strings.TrimSuffix(at, "/"), audiences: audiences})
}

func (a *AWS) addProvider(account string, p *provider) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	arn := providerARN("aws", account, p.url)
	a.issuers[arn] = p
	return arn
}

func providerARN(partition, account, issuer string) string {
	_, host, _ := strings.Cut(issuer, "://")
	return "arn:" + partition + ":iam::" + account + ":oidc-provider/" + host
}

// AddIssuer creates an issuer that this fake serves. It also registers the issuer in an account, with one audience.
func (a *AWS) AddIssuer(account, name, audience string) (*Issuer, error) {
	i := &Issuer{aws: a, url: a.url + "/_fake/issuer/" + name, audience: audience, desk: newLoginBook()}
	if err := i.Rotate(); err != nil {
		return nil, err
	}
	i.arn = a.AddProvider(account, i.url, []string{audience}, nil)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.issuers[i.arn].issuer = i
	return i, nil
}

// URL returns the issuer's URL. The issuer's tokens have this URL in their iss claim. The URLs of the issuer's
// configuration and keys begin with it.
func (i *Issuer) URL() string { return i.url }

// ARN returns the ARN of the issuer's provider, for [Role.Trusts].
func (i *Issuer) ARN() string { return i.arn }

// Rotate replaces the issuer's keys. The issuer no longer publishes the old keys.
func (i *Issuer) Rotate() error {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("issuer %s: %w", i.url, err)
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return fmt.Errorf("issuer %s: %w", i.url, err)
	}
	i.aws.mu.Lock()
	defer i.aws.mu.Unlock()
	i.ec, i.rsa = ec, key
	i.made++
	return nil
}

// keyID returns the id of the issuer's current key of the given kind.
func (i *Issuer) keyID(kind string) string {
	if i.made == 1 {
		return kind
	}
	return fmt.Sprintf("%s-%d", kind, i.made)
}

// Token returns a token for the subject sub. The token is signed with ES256 and expires after one hour of the fake's
// clock. The values in the map claims replace the token's usual claims; a nil value removes a claim.
func (i *Issuer) Token(sub string, claims map[string]any) (string, error) {
	i.aws.mu.Lock()
	defer i.aws.mu.Unlock()
	return i.sign("ES256", i.claims(sub, claims))
}

// TokenRS256 is like Token, but signs with RS256.
func (i *Issuer) TokenRS256(sub string, claims map[string]any) (string, error) {
	i.aws.mu.Lock()
	defer i.aws.mu.Unlock()
	return i.sign("RS256", i.claims(sub, claims))
}

func (i *Issuer) sign(algorithm string, claims map[string]any) (string, error) {
	if algorithm == "RS256" {
		return signJWT(jwtHeader{algorithm, i.keyID("rsa"), "JWT"}, claims, i.rsa)
	}
	return signJWT(jwtHeader{algorithm, i.keyID("ec"), "JWT"}, claims, i.ec)
}

func (i *Issuer) claims(sub string, more map[string]any) map[string]any {
	now := i.aws.now()
	all := map[string]any{"iss": i.url, "sub": sub, "aud": i.audience, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix()}
	maps.Copy(all, more)
	maps.DeleteFunc(all, func(_ string, v any) bool { return v == nil })
	return all
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

// jwks returns the issuer's public keys.
func (i *Issuer) jwks() []jwk {
	point, err := i.ec.PublicKey.Bytes() // the encoding is the byte 4, then x and y with 32 bytes each
	if err != nil {
		return nil
	}
	return []jwk{
		{Type: "EC", Curve: "P-256", KeyID: i.keyID("ec"), Alg: "ES256", Use: "sig", X: base64url.EncodeToString(point[1:33]), Y: base64url.EncodeToString(point[33:])},
		{Type: "RSA", KeyID: i.keyID("rsa"), Alg: "RS256", Use: "sig",
			N: base64url.EncodeToString(i.rsa.N.Bytes()), E: base64url.EncodeToString(big.NewInt(int64(i.rsa.E)).Bytes())},
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
