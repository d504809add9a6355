package fakeaws

import (
	"crypto/sha256"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// openIDClient is a client that signs a user in at an issuer.
type openIDClient struct {
	*testing.T
	issuer string
	secret string
}

func (c *openIDClient) post(path string, form url.Values) (int, map[string]any) {
	c.Helper()
	form.Set("client_id", "audience")
	if c.secret != "" {
		form.Set("client_secret", c.secret)
	}
	resp, err := http.PostForm(c.issuer+"/"+path, form)
	if err != nil {
		c.Fatal(err)
	}
	defer resp.Body.Close()
	var out map[string]any
	if text, _ := io.ReadAll(resp.Body); len(text) > 0 {
		if err := json.Unmarshal(text, &out); err != nil {
			c.Fatalf("%s: %q", path, text)
		}
	}
	return resp.StatusCode, out
}

const pkceVerifier = "EXAMPLE-verifier-EXAMPLE-verifier-EXAMPLE-verifier"

// authorize opens the sign-in page and returns the parameters of the redirect. The function change can change the
// request.
func (c *openIDClient) authorize(change func(url.Values)) url.Values {
	c.Helper()
	sum := sha256.Sum256([]byte(pkceVerifier))
	q := url.Values{
		"response_type": {"code"}, "client_id": {"audience"}, "redirect_uri": {"http://127.0.0.1:7/cb"}, "scope": {"openid offline_access"},
		"state": {"s"}, "nonce": {"n"}, "code_challenge_method": {"S256"}, "code_challenge": {base64url.EncodeToString(sum[:])},
	}
	if change != nil {
		change(q)
	}
	hc := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := hc.Get(c.issuer + "/authorize?" + q.Encode())
	if err != nil {
		c.Fatal(err)
	}
	resp.Body.Close()
	back, err := resp.Location()
	if err != nil {
		return url.Values{"status": {resp.Status}}
	}
	return back.Query()
}

func (c *openIDClient) trade(code string) (int, map[string]any) {
	return c.post("token", url.Values{"grant_type": {codeGrant}, "code": {code}, "code_verifier": {pkceVerifier}, "redirect_uri": {"http://127.0.0.1:7/cb"}})
}

func claimsOf(t *testing.T, tokens map[string]any) map[string]any {
	t.Helper()
	text, _ := tokens["id_token"].(string)
	token, err := parseJWT(text)
	if err != nil {
		t.Fatal(err)
	}
	return token.claims
}

func TestOpenIDSignIn(t *testing.T) {
	a := newAWS(t)
	i := newIssuer(t, a, "idp")
	i.People(Login{Subject: "alice", Auto: true})
	c := &openIDClient{T: t, issuer: i.URL()}
	back := c.authorize(nil)
	if back.Get("state") != "s" || back.Get("iss") != i.URL() {
		t.Fatalf("brought back %v", back)
	}
	status, tokens := c.trade(back.Get("code"))
	claims := claimsOf(t, tokens)
	if status != 200 || claims["nonce"] != "n" || claims["sub"] != "alice" || claims["aud"] != "audience" {
		t.Fatalf("got %d, %v", status, claims)
	}
	if status, no := c.trade(back.Get("code")); status != 400 || no["error"] != "invalid_grant" {
		t.Errorf("a code twice: %d, %v", status, no)
	}
	refresh, _ := tokens["refresh_token"].(string)
	status, again := c.post("token", url.Values{"grant_type": {refreshGrant}, "refresh_token": {refresh}})
	if claims := claimsOf(t, again); status != 200 || claims["nonce"] != nil {
		t.Errorf("refreshed: %d, %v", status, claims)
	}
	if status, no := c.post("token", url.Values{"grant_type": {refreshGrant}, "refresh_token": {refresh}}); status != 400 {
		t.Errorf("a refresh token twice: %d, %v", status, no)
	}
	next, _ := again["refresh_token"].(string)
	if status, _ := c.post("revoke", url.Values{"token": {next}}); status != 200 {
		t.Errorf("revoked: %d", status)
	}
	if status, _ := c.post("token", url.Values{"grant_type": {refreshGrant}, "refresh_token": {next}}); status != 400 {
		t.Errorf("a revoked token: %d", status)
	}
}

func TestOpenIDRefuses(t *testing.T) {
	a := newAWS(t)
	i := newIssuer(t, a, "idp")
	c := &openIDClient{T: t, issuer: i.URL()}
	set := func(name, value string) func(url.Values) { return func(q url.Values) { q.Set(name, value) } }
	i.People(Login{Subject: "alice", Auto: true, Ports: []int{7}})
	for name, tt := range map[string]struct {
		change func(url.Values)
		want   string
	}{
		"no nonce": {set("nonce", ""), "invalid_request"}, "plain challenge": {set("code_challenge_method", "plain"), "invalid_request"},
		"no openid": {set("scope", "email"), "invalid_scope"}, "denied": {set("decision", "deny"), "access_denied"},
	} {
		if got := c.authorize(tt.change).Get("error"); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
	for name, change := range map[string]func(url.Values){
		"another client": set("client_id", "x"), "elsewhere": set("redirect_uri", "http://example.com/cb"), "another port": set("redirect_uri", "http://127.0.0.1:8/cb"),
	} {
		if got := c.authorize(change).Get("status"); !strings.HasPrefix(got, "400") {
			t.Errorf("%s: %q", name, got)
		}
	}
	code := c.authorize(nil).Get("code")
	form := url.Values{"grant_type": {codeGrant}, "code": {code}, "code_verifier": {"another"}, "redirect_uri": {"http://127.0.0.1:7/cb"}}
	if status, no := c.post("token", form); status != 400 || no["error"] != "invalid_grant" {
		t.Errorf("another verifier: %d, %v", status, no)
	}
	if _, no := c.post("token", url.Values{"grant_type": {"password"}}); no["error"] != "unsupported_grant_type" {
		t.Errorf("another grant: %v", no)
	}
	i.People(Login{Subject: "alice", Secret: "EXAMPLE-secret"})
	if status, no := c.post("token", form); status != 401 || no["error"] != "invalid_client" {
		t.Errorf("without the secret: %d, %v", status, no)
	}
	c.secret = "EXAMPLE-secret"
	if status, _ := c.post("revoke", url.Values{}); status != 200 {
		t.Errorf("with the secret: %d", status)
	}
}

func TestOpenIDDevice(t *testing.T) {
	a := newAWS(t)
	i := newIssuer(t, a, "idp")
	i.People(Login{Subject: "alice"})
	c := &openIDClient{T: t, issuer: i.URL()}
	_, made := c.post("code", url.Values{"scope": {"openid"}})
	code, _ := made["device_code"].(string)
	poll := func() any {
		_, out := c.post("token", url.Values{"grant_type": {deviceGrant}, "device_code": {code}})
		if e := out["error"]; e != nil {
			return e
		}
		return claimsOf(t, out)["sub"]
	}
	if got := poll(); got != "authorization_pending" {
		t.Errorf("at first: %v", got)
	}
	if got := poll(); got != "slow_down" {
		t.Errorf("at once: %v", got)
	}
	page, _ := made["verification_uri_complete"].(string)
	resp, err := http.Get(page + "&decision=approve")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	a.Advance(time.Minute)
	if got := poll(); got != "alice" {
		t.Errorf("approved: %v", got)
	}
	if got := poll(); got != "invalid_grant" {
		t.Errorf("once more: %v", got)
	}
	_, made = c.post("code", url.Values{"scope": {"openid"}})
	code, _ = made["device_code"].(string)
	if !a.decideLogins("", false) || a.decideLogins("", false) {
		t.Error("the one who waits is not denied, once")
	}
	if got := poll(); got != "access_denied" {
		t.Errorf("denied: %v", got)
	}
	a.Advance(time.Hour)
	if got := poll(); got != "expired_token" {
		t.Errorf("late: %v", got)
	}
}

// AWS fetches the keys of a provider. It therefore accepts the provider's new keys, and reports errors in the
// provider's files.
func TestKeysAreFetched(t *testing.T) {
	a := newAWS(t)
	i := newIssuer(t, a, "idp")
	a.AddRole(webRole, Role{Trusts: []string{i.ARN()}})
	old := i.must(t, nil)
	_, err := webIdentity(t, a, old)
	wantCode(t, err, "", "")
	if err := i.Rotate(); err != nil {
		t.Fatal(err)
	}
	_, err = webIdentity(t, a, old)
	wantCode(t, err, "InvalidIdentityToken", "key")
	_, err = webIdentity(t, a, i.must(t, nil))
	wantCode(t, err, "", "")
	rs, err := i.TokenRS256("alice@example.com", nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = webIdentity(t, a, rs)
	wantCode(t, err, "", "")

	a.CacheKeys(24 * time.Hour)
	_, err = webIdentity(t, a, i.must(t, nil))
	wantCode(t, err, "", "")
	if err := i.Rotate(); err != nil {
		t.Fatal(err)
	}
	_, err = webIdentity(t, a, i.must(t, nil))
	wantCode(t, err, "InvalidIdentityToken", "key")
	a.Advance(25 * time.Hour)
	_, err = webIdentity(t, a, i.must(t, nil))
	wantCode(t, err, "", "")

	i.People(Login{OtherDiscovered: "https://example.com"})
	a.Advance(25 * time.Hour)
	_, err = webIdentity(t, a, i.must(t, nil))
	wantCode(t, err, "InvalidIdentityToken", `the configuration is of "https://example.com"`)
}

// An issuer's files can be served at an address that differs from the issuer's URL.
func TestProviderServedElsewhere(t *testing.T) {
	a := newAWS(t)
	i := newIssuer(t, a, "idp")
	const issuer = "https://id.example.com/alice"
	files := map[string]any{
		"/alice/.well-known/openid-configuration": map[string]any{"issuer": issuer, "jwks_uri": issuer + "/jwks.json"},
		"/alice/jwks.json":                        map[string]any{"keys": i.jwks()},
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		file, ok := files[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		json.NewEncoder(w).Encode(file)
	}))
	defer server.Close()
	a.AddRole(webRole, Role{Trusts: []string{a.AddProviderAt("123456789012", issuer, server.URL+"/alice/", []string{"sts"})}})
	token := i.must(t, map[string]any{"iss": issuer, "aud": "sts"})
	_, err := webIdentity(t, a, token)
	wantCode(t, err, "", "")
	files["/alice/jwks.json"] = map[string]any{"keys": []jwk{{Type: "oct", KeyID: "x"}}}
	_, err = webIdentity(t, a, token)
	wantCode(t, err, "InvalidIdentityToken", "kind oct")
	delete(files, "/alice/jwks.json")
	_, err = webIdentity(t, a, token)
	wantCode(t, err, "InvalidIdentityToken", "404")
}

func TestRolePin(t *testing.T) {
	a := newAWS(t)
	i := newIssuer(t, a, "idp")
	a.AddRole(webRole, Role{Trusts: []string{i.ARN()}})
	other := i.must(t, map[string]any{pinClaim: []string{"arn:aws:iam::123456789012:role/other"}})
	_, err := webIdentity(t, a, other)
	wantCode(t, err, "InvalidIdentityToken", "roles claim")
	a.AddRole(webRole, Role{}) // the pin is checked before the trust policy
	_, err = webIdentity(t, a, other)
	wantCode(t, err, "InvalidIdentityToken", "roles claim")
	a.AddRole(webRole, Role{Trusts: []string{i.ARN()}, RequireRolePin: true})
	_, err = webIdentity(t, a, i.must(t, nil))
	wantCode(t, err, "AccessDenied", "")
	for _, pin := range []any{webRole, []string{"x", webRole}} {
		_, err = webIdentity(t, a, i.must(t, map[string]any{pinClaim: pin}))
		wantCode(t, err, "", "")
	}
}

// A web identity session can assume the next role only if three policies allow the call: the session policy, the
// policy of the session's role, and the trust policy of the next role. The next session inherits the source
// identity and the tags.
func TestWebIdentityAssumesNextRole(t *testing.T) {
	a := newAWS(t)
	i := newIssuer(t, a, "idp")
	const next, other = "arn:aws:iam::210987654321:role/next", "arn:aws:iam::210987654321:role/other"
	a.AddRole(webRole, Role{Trusts: []string{i.ARN()}})
	a.AddRole(next, Role{Trusts: []string{webRole}, RequireSourceIdentity: true, RequireTags: []string{"Team"}})
	a.AddRole(other, Role{Trusts: []string{webRole}})
	token := i.must(t, map[string]any{
		"https://aws.amazon.com/source_identity": "alice@example.com",
		tagClaims:                                map[string]any{"principal_tags": map[string]any{"Team": []string{"blue"}}, "transitive_tag_keys": []string{"Team"}},
	})
	out, err := webIdentity(t, a, token, func(in *sts.AssumeRoleWithWebIdentityInput) {
		text := statementOf(`"Effect":"Allow","Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"],"Resource":"` + next + `"`)
		in.Policy = &text
	})
	wantCode(t, err, "", "")
	keys := temporary(out.Credentials)
	_, err = assume(t, a, keys, next)
	wantCode(t, err, "", "")
	_, err = assume(t, a, keys, other)
	wantCode(t, err, "AccessDenied", "sts:AssumeRole")
	_, err = assume(t, a, keys, next, sourced("bob@example.com"))
	wantCode(t, err, "AccessDenied", "cannot be changed")
	_, err = assume(t, a, keys, next, tagged("Team", "red"))
	wantCode(t, err, "InvalidParameterValue", "transitive")
}
