package fakeaws

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// loginClient is a program that signs alice in through the same calls as aws login.
type loginClient struct {
	*testing.T
	aws  *AWS
	key  *ecdsa.PrivateKey
	jti  int
	edit func(header, claims map[string]any)
}

func newLoginClient(t *testing.T) *loginClient {
	t.Helper()
	a, err := NewAWS()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a.Example()
	a.SetLogin("arn:aws:iam::123456789012:user/alice", true)
	return &loginClient{T: t, aws: a, key: key}
}

// proof returns a signed DPoP proof. The client's function edit, if any, changes the proof before it is signed.
func (c *loginClient) proof() string {
	point, err := c.key.PublicKey.Bytes()
	if err != nil {
		c.Fatal(err)
	}
	c.jti++
	header := map[string]any{"typ": "dpop+jwt", "alg": "ES256", "jwk": map[string]string{
		"kty": "EC", "crv": "P-256", "x": base64url.EncodeToString(point[1:33]), "y": base64url.EncodeToString(point[33:]),
	}}
	claims := map[string]any{"jti": requestID(c.jti), "htm": "POST", "htu": c.aws.URL() + "/v1/token", "iat": c.aws.Now().Unix()}
	if c.edit != nil {
		c.edit(header, claims)
	}
	var parts []string
	for _, part := range []map[string]any{header, claims} {
		raw, err := json.Marshal(part)
		if err != nil {
			c.Fatal(err)
		}
		parts = append(parts, base64url.EncodeToString(raw))
	}
	signed := strings.Join(parts, ".")
	sum := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, c.key, sum[:])
	if err != nil {
		c.Fatal(err)
	}
	return signed + "." + base64url.EncodeToString(append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...))
}

// code signs alice in on the sign-in page and returns the authorization code.
func (c *loginClient) code(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	stay := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := stay.Get(c.aws.URL() + "/v1/authorize?" + url.Values{
		"response_type": {"code"}, "client_id": {sameDevice}, "redirect_uri": {"http://127.0.0.1:1/oauth/callback"}, "state": {"s"},
		"code_challenge_method": {"SHA-256"}, "code_challenge": {base64url.EncodeToString(sum[:])}, "scope": {"openid"},
	}.Encode())
	if err != nil {
		c.Fatal(err)
	}
	resp.Body.Close()
	back, err := resp.Location()
	if err != nil || back.Query().Get("state") != "s" {
		c.Fatal(back, err)
	}
	return back.Query().Get("code")
}

// token requests tokens, and returns the status and the fields of the response.
func (c *loginClient) token(grant map[string]string) (int, map[string]any) {
	body, err := json.Marshal(grant)
	if err != nil {
		c.Fatal(err)
	}
	r, err := http.NewRequest(http.MethodPost, c.aws.URL()+"/v1/token", bytes.NewReader(body))
	if err != nil {
		c.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("DPoP", c.proof())
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		c.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		c.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(text, &out); err != nil {
		c.Fatal(string(text))
	}
	return resp.StatusCode, out
}

func (c *loginClient) first() map[string]string {
	return map[string]string{
		"clientId": sameDevice, "grantType": "authorization_code", "code": c.code("EXAMPLE-verifier"), "codeVerifier": "EXAMPLE-verifier",
		"redirectUri": "http://127.0.0.1:1/oauth/callback",
	}
}

func (c *loginClient) renew(token any) map[string]string {
	return map[string]string{"clientId": sameDevice, "grantType": "refresh_token", "refreshToken": token.(string)}
}

func TestLoginGivesCredentialsThatRotate(t *testing.T) {
	c := newLoginClient(t)
	status, first := c.token(c.first())
	if status != 200 || first["tokenType"] != "aws_sigv4" || first["expiresIn"] != 900.0 {
		t.Fatalf("%d %v", status, first)
	}
	status, second := c.token(c.renew(first["refreshToken"]))
	if status != 200 || second["refreshToken"] == first["refreshToken"] {
		t.Fatalf("%d %v", status, second)
	}
	if status, out := c.token(c.renew(first["refreshToken"])); status != 401 || out["error"] != "USER_CREDENTIALS_CHANGED" {
		t.Errorf("a refresh token was taken twice: %d %v", status, out)
	}
	c.aws.Advance(13 * time.Hour)
	if status, out := c.token(c.renew(second["refreshToken"])); status != 401 || out["error"] != "TOKEN_EXPIRED" {
		t.Errorf("%d %v", status, out)
	}
}

func TestLoginRefuses(t *testing.T) {
	for name, edit := range map[string]func(header, claims map[string]any){
		"another type":    func(h, _ map[string]any) { h["typ"] = "JWT" },
		"no algorithm":    func(h, _ map[string]any) { h["alg"] = "none" },
		"a short x":       func(h, _ map[string]any) { h["jwk"].(map[string]string)["x"] = "AAAA" },
		"a private key":   func(h, _ map[string]any) { h["jwk"].(map[string]string)["d"] = "AAAA" },
		"another key":     func(h, _ map[string]any) { k := h["jwk"].(map[string]string); k["x"], k["y"] = k["y"], k["x"] },
		"another method":  func(_, c map[string]any) { c["htm"] = "GET" },
		"another address": func(_, c map[string]any) { c["htu"] = "https://example.com/v1/token" },
		"no time":         func(_, c map[string]any) { delete(c, "iat") },
		"no id":           func(_, c map[string]any) { c["jti"] = "" },
	} {
		c := newLoginClient(t)
		grant := c.first()
		c.edit = edit
		if status, out := c.token(grant); status != 400 || out["__type"] != "ValidationException" {
			t.Errorf("%s: %d %v", name, status, out)
		}
	}
	old := newLoginClient(t)
	grant := old.first()
	old.edit = func(_, claims map[string]any) { claims["iat"] = 1 }
	if status, out := old.token(grant); status != 401 || out["error"] != "AUTHCODE_EXPIRED" {
		t.Errorf("an old proof: %d %v", status, out)
	}
	for name, change := range map[string]struct{ field, value, want string }{
		"another verifier": {"codeVerifier", "x", "ValidationException"},
		"another redirect": {"redirectUri", "http://127.0.0.1:2/oauth/callback", "ValidationException"},
		"another client":   {"clientId", crossDevice, "ValidationException"},
		"another grant":    {"grantType", "password", "ValidationException"},
		"another code":     {"code", "x", "AccessDeniedException"},
	} {
		c := newLoginClient(t)
		grant := c.first()
		grant[change.field] = change.value
		if status, out := c.token(grant); status == 200 || out["__type"] != change.want {
			t.Errorf("%s: %d %v", name, status, out)
		}
	}
	c := newLoginClient(t)
	_, first := c.token(c.first())
	var err error
	if c.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	if status, _ := c.token(c.renew(first["refreshToken"])); status != 400 {
		t.Errorf("a token that is bound to another key: %d", status)
	}
	c.jti = 0
	if status, out := c.token(c.first()); status != 400 {
		t.Errorf("a proof that was used: %d %v", status, out)
	}
}

func TestLoginPageRefuses(t *testing.T) {
	c := newLoginClient(t)
	stay := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for field, value := range map[string]string{
		"redirect_uri": "http://example.com/oauth/callback", "client_id": crossDevice, "code_challenge_method": "S256", "scope": "all",
	} {
		q := url.Values{
			"response_type": {"code"}, "client_id": {sameDevice}, "redirect_uri": {"http://127.0.0.1:1/oauth/callback"},
			"code_challenge_method": {"SHA-256"}, "code_challenge": {strings.Repeat("A", 43)}, "scope": {"openid"},
		}
		q.Set(field, value)
		resp, err := stay.Get(c.aws.URL() + "/v1/authorize?" + q.Encode())
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if back, err := resp.Location(); resp.StatusCode != http.StatusBadRequest && (err != nil || back.Query().Get("error") != "invalid_request") {
			t.Errorf("%s=%s: %s", field, value, resp.Status)
		}
	}
}
