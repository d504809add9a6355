package signin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"aws-vault/internal/fakeaws"
	"aws-vault/vault/peer"
)

// A providerFixture is a fake OIDC provider with a client.
type providerFixture struct {
	*testing.T
	aws    *fakeaws.AWS
	issuer *fakeaws.Issuer
	client Client
}

const clientID = "aws-vault"

func newProviderFixture(t *testing.T, people fakeaws.Login) *providerFixture {
	t.Helper()
	fake, err := fakeaws.NewAWS()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	i, err := fake.AddIssuer("123456789012", "corp", clientID)
	if err != nil {
		t.Fatal(err)
	}
	i.People(people)
	return &providerFixture{t, fake, i, Client{Issuer: i.URL(), ID: clientID, Secret: people.Secret, HTTP: http.DefaultClient, Now: fake.Now}}
}

func (d *providerFixture) discover() *Provider {
	d.Helper()
	p, err := d.client.Discover(d.Context())
	if err != nil {
		d.Fatal(err)
	}
	if err := p.FetchKeys(d.Context()); err != nil {
		d.Fatal(err)
	}
	return p
}

// openPage opens the sign-in page as a browser does.
func openPage(page string) error {
	go func() {
		if resp, err := http.Get(page); err == nil {
			resp.Body.Close()
		}
	}()
	return nil
}

// grantOf signs in with a browser and returns the grant.
func grantOf(ctx context.Context, p *Provider) (grant Grant, err error) {
	page := func(proof Proof, redirect string) string { return p.Page(proof, redirect, nil) }
	err = WithBrowser(ctx, CallbackOptions{Peers: peer.ThisUser(), Issuer: p.Issuer()}, page, openPage, func(g Grant) error {
		grant = g
		return nil
	})
	return grant, err
}

// signIn signs in with a browser and returns the tokens and the nonce.
func (d *providerFixture) signIn(p *Provider) (Tokens, string) {
	d.Helper()
	grant, err := grantOf(d.Context(), p)
	if err != nil {
		d.Fatal(err)
	}
	got, err := p.Exchange(d.Context(), grant)
	if err != nil {
		d.Fatal(err)
	}
	return got, grant.Nonce
}

func TestProviderByBrowser(t *testing.T) {
	for name, people := range map[string]fakeaws.Login{
		"ES256":         {Subject: "alice", Auto: true, Claims: map[string]any{"email": "a@example.com", "email_verified": true, "groups": []string{"x"}}},
		"RS256":         {Subject: "alice", Auto: true, RSA: true, SilentOnItself: true},
		"client secret": {Subject: "alice", Auto: true, Secret: "EXAMPLE/secret+1"},
		"azp":           {Subject: "alice", Auto: true, Claims: map[string]any{"aud": []string{"x", clientID}, "azp": clientID}},
	} {
		t.Run(name, func(t *testing.T) {
			d := newProviderFixture(t, people)
			p := d.discover()
			got, nonce := d.signIn(p)
			id, err := p.Verify(got.ID, Expected{Nonce: nonce})
			if err != nil || id.Subject != "alice" || got.Refresh == "" {
				t.Fatalf("got %+v, %v", id, err)
			}
			if name == "ES256" && (id.Claims["email"] != "a@example.com" || id.Claims["email_verified"] != "true" || id.Claims["groups"] != "" || id.Claims["sub"] != "alice") {
				t.Errorf("the claims are %v", id.Claims)
			}
			if left := id.Expires.Sub(d.aws.Now()); left < 50*time.Minute || left > time.Hour {
				t.Errorf("the token expires in %v, want about 1 h", left)
			}
			again, err := p.Refresh(t.Context(), got.Refresh)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := p.Verify(again.ID, Expected{Subject: "alice", RenewedNonce: nonce}); err != nil {
				t.Error(err)
			}
			if err := p.Revoke(t.Context(), again.Refresh); err != nil {
				t.Error(err)
			}
			if _, err := p.Refresh(t.Context(), again.Refresh); !errors.Is(err, ErrGrantRejected) || strings.Contains(err.Error(), again.Refresh) {
				t.Errorf("with a revoked token: %v", err)
			}
		})
	}
}

func TestProviderByDevice(t *testing.T) {
	d := newProviderFixture(t, fakeaws.Login{Subject: "alice"})
	p := d.discover()
	code, err := p.DeviceCode(t.Context(), []string{"email"})
	if err != nil || code.Lasts != 10*time.Minute || code.Interval != time.Second || !strings.HasPrefix(code.Complete, code.URL) {
		t.Fatalf("got %+v, %v", code, err)
	}
	if call := d.aws.Calls()[0]; call.Params.Get("scope") != "openid email" {
		t.Errorf("requested scope %q", call.Params.Get("scope"))
	}
	_, err = p.Poll(t.Context(), code)
	if !errors.Is(err, ErrPending) {
		t.Errorf("first poll: %v", err)
	}
	_, err = p.Poll(t.Context(), code)
	if !errors.Is(err, ErrSlowDown) {
		t.Errorf("second poll without a pause: %v", err)
	}
	d.aws.Advance(time.Hour)
	_, err = p.Poll(t.Context(), code)
	if !errors.Is(err, ErrTimeout) || !NotCompleted(err) {
		t.Errorf("poll after the code has expired: %v", err)
	}
	d.issuer.People(fakeaws.Login{Deny: true})
	code, err = p.DeviceCode(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Poll(t.Context(), code)
	if !errors.Is(err, ErrDenied) || errors.Is(err, ErrTimeout) {
		t.Errorf("poll after the user has refused: %v", err)
	}
}

func TestIDTokenRefused(t *testing.T) {
	d := newProviderFixture(t, fakeaws.Login{Subject: "alice", Auto: true})
	stranger, err := d.aws.AddIssuer("123456789012", "stranger", clientID)
	if err != nil {
		t.Fatal(err)
	}
	p, now := d.discover(), d.aws.Now().Unix()
	forged, err := stranger.Token("alice", map[string]any{"iss": d.issuer.URL()})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		claims map[string]any
		want   Expected
		why    string // reason in the error; empty for a valid token
	}{
		{"plain", nil, Expected{}, ""},
		{"issuer", map[string]any{"iss": "https://example.com"}, Expected{}, "issued by a different provider"},
		{"audience", map[string]any{"aud": "else"}, Expected{}, `expected audience "aws-vault" got ["else"]`},
		{"no audience", map[string]any{"aud": nil}, Expected{}, "expected audience"},
		{"wanted audience", nil, Expected{Audience: "sts"}, `expected audience "sts"`},
		{"another audience, without the client", map[string]any{"aud": "sts"}, Expected{Audience: "sts"}, `expected the client ID "aws-vault" in the audience`},
		{"another audience, given to the client", map[string]any{"aud": "sts", "azp": clientID}, Expected{Audience: "sts"}, ""},
		{"azp", map[string]any{"azp": "else"}, Expected{}, `azp claim is "else"`},
		{"two audiences", map[string]any{"aud": []string{clientID, "x"}}, Expected{}, "an azp claim is expected"},
		{"expired", map[string]any{"exp": now - 1}, Expected{}, "check that this computer's clock is right"},
		{"not yet", map[string]any{"nbf": now + 3600}, Expected{}, "before the nbf"},
		{"nobody", map[string]any{"sub": nil}, Expected{}, "no sub claim"},
		{"no nonce", nil, Expected{Nonce: "n"}, "nonce does not match this sign-in"},
		{"another nonce", map[string]any{"nonce": "m"}, Expected{Nonce: "n"}, "nonce does not match this sign-in"},
		{"the nonce", map[string]any{"nonce": "n"}, Expected{Nonce: "n"}, ""},
		{"another subject", nil, Expected{Subject: "bob"}, "a different user"},
		{"another nonce after a refresh", map[string]any{"nonce": "m"}, Expected{Subject: "alice", RenewedNonce: "n"}, "nonce does not match the original sign-in"},
		{"the nonce again", map[string]any{"nonce": "n"}, Expected{Subject: "alice", RenewedNonce: "n"}, ""},
		{"too long", map[string]any{"x": strings.Repeat("x", 20000)}, Expected{}, "expected at most 20000"},
		{"a claim of claims", map[string]any{"_claim_names": map[string]string{"a": "b"}}, Expected{}, "source does not exist"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			raw, err := d.issuer.Token("alice", tt.claims)
			if err != nil {
				t.Fatal(err)
			}
			id, err := p.Verify(raw, tt.want)
			d.check(id, err, tt.why)
			if tt.why != "" && strings.Contains(err.Error(), raw) {
				t.Errorf("the error contains the token: %v", err)
			}
		})
	}
	good, err := d.issuer.Token("alice", nil)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, _ := strings.Cut(good, ".")
	for name, raw := range map[string]string{
		"another's signature": forged, "none": "eyJhbGciOiJub25lIn0." + rest[:strings.LastIndexByte(rest, '.')] + ".", "empty": "", "nothing": "a.b.c",
		"a line's end": good + "\n", "a blank": strings.Replace(good, ".", ". ", 1), "padded": good + "=",
		"JSON": fmt.Sprintf(`{"protected":%q,"payload":%q,"signature":%q}`, head, rest[:strings.LastIndexByte(rest, '.')], rest[strings.LastIndexByte(rest, '.')+1:]),
		"cut":  good[:len(good)-4], "no payload": head + ".." + rest[strings.LastIndexByte(rest, '.')+1:], "HMAC": "eyJhbGciOiJIUzI1NiJ9." + rest, "EdDSA": "eyJhbGciOiJFZERTQSJ9." + rest,
	} {
		t.Run(name, func(t *testing.T) {
			id, err := p.Verify(raw, Expected{})
			var e *IDTokenError
			if !errors.As(err, &e) || id.Subject != "" || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %+v, %v", id, err)
			}
		})
	}
}

func (d *providerFixture) check(id ID, err error, why string) {
	d.Helper()
	var e *IDTokenError
	switch {
	case why == "" && (err != nil || id.Subject == ""):
		d.Errorf("a valid token was refused: %v", err)
	case why != "" && (!errors.As(err, &e) || id.Subject != "" || !strings.Contains(err.Error(), why)):
		d.Errorf("got %+v, %v, want %s", id, err, why)
	}
}

// TestKeysRotate checks that Verify uses only the fetched keys and makes no network call. If no key verifies the
// signature, the error says that newer keys may help.
func TestKeysRotate(t *testing.T) {
	d := newProviderFixture(t, fakeaws.Login{Subject: "alice", Auto: true})
	p := d.discover()
	if err := d.issuer.Rotate(); err != nil {
		t.Fatal(err)
	}
	got, nonce := d.signIn(p)
	_, err := p.Verify(got.ID, Expected{Nonce: nonce})
	var e *IDTokenError
	if !errors.As(err, &e) || !e.NoKey {
		t.Errorf("a token signed with a new key: %v", err)
	}
	if err := p.FetchKeys(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.aws.Close()
	id, err := p.Verify(got.ID, Expected{Nonce: nonce})
	d.check(id, err, "")
	if _, err := p.Verify(got.ID, Expected{Nonce: "another"}); !errors.As(err, &e) || e.NoKey {
		t.Errorf("a token with the nonce of another sign-in: %v", err)
	}
	if _, err := new(Provider).Verify(got.ID, Expected{}); err == nil {
		t.Error("a token was verified without keys")
	}
}

func TestKeysNotAvailable(t *testing.T) {
	for name, tt := range map[string]struct {
		status int
		body   string
		why    string // reason in the error; empty for valid keys
	}{
		"none": {200, `{"keys":[]}`, ""}, "busy": {503, `{}`, "returned HTTP 503"}, "a page": {200, "<html>", "not return a valid JSON Web Key Set"},
		"a bad key": {200, `{"keys":[{"kty":"EC"}]}`, "not return a valid JSON Web Key Set"},
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(tt.status)
			io.WriteString(w, tt.body)
		}))
		p := &Provider{client: Client{Issuer: s.URL, HTTP: s.Client()}, metadata: metadata{Keys: s.URL}}
		err := p.FetchKeys(t.Context())
		var e *ConfigurationError
		if tt.why == "" && err != nil || tt.why != "" && (!errors.As(err, &e) || !strings.Contains(err.Error(), tt.why)) {
			t.Errorf("%s: %v, want %q", name, err, tt.why)
		}
		s.Close()
		if err := p.FetchKeys(t.Context()); !errors.As(err, new(*url.Error)) {
			t.Errorf("%s, server closed: %v", name, err)
		}
	}
}

// TestCallbackFromAnotherIssuer checks that a redirect is refused if it comes from a different provider.
func TestCallbackFromAnotherIssuer(t *testing.T) {
	requirePeerCheck(t)
	for name, people := range map[string]fakeaws.Login{
		"another": {Subject: "alice", Auto: true, OtherIssuer: "https://evil.example.com"},
		"refused": {Subject: "alice", Deny: true},
	} {
		d := newProviderFixture(t, people)
		p := d.discover()
		_, err := grantOf(t.Context(), p)
		var e *OtherIssuerError
		if name == "another" && (!errors.As(err, &e) || e.Found != "https://evil.example.com" || e.Want != p.Issuer()) || name == "refused" && !errors.Is(err, ErrDenied) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPorts(t *testing.T) {
	first, err := Listen(state, CallbackOptions{Peers: peer.ThisUser()})
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	u, err := url.Parse(first.Redirect())
	if err != nil {
		t.Fatal(err)
	}
	var inUse int
	fmt.Sscan(u.Port(), &inUse)
	var none *PortsError
	if _, err := Listen(state, CallbackOptions{Peers: peer.ThisUser(), Ports: []int{inUse}}); !errors.As(err, &none) || !strings.Contains(err.Error(), fmt.Sprint(inUse)) {
		t.Errorf("a port in use: %v", err)
	}
	second, err := Listen(state, CallbackOptions{Peers: peer.ThisUser(), Ports: []int{inUse, 0}})
	if err != nil {
		t.Fatal(err)
	}
	second.Close()
}

// serve starts a server that publishes this configuration and answers all other requests with the function answer.
func serve(t *testing.T, configuration func(issuer string) map[string]any, answer http.HandlerFunc) Client {
	t.Helper()
	var server *httptest.Server
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/.well-known/openid-configuration" {
			answer(w, r)
			return
		}
		json.NewEncoder(w).Encode(configuration(server.URL))
	}))
	t.Cleanup(server.Close)
	return Client{Issuer: server.URL, ID: clientID, HTTP: server.Client(), Now: time.Now}
}

func basics(issuer string) map[string]any {
	return map[string]any{"issuer": issuer, "token_endpoint": issuer + "/token", "jwks_uri": issuer + "/keys", "device_authorization_endpoint": issuer + "/device",
		"authorization_endpoint": issuer + "/authorize?tenant=1"}
}

func TestConfigurationsRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		change map[string]any
		want   string
	}{
		"issuer with a slash":     {map[string]any{"issuer": "https://id.example.com/"}, `the issuer in the provider's configuration is "https://id.example.com/"`},
		"no token endpoint":       {map[string]any{"token_endpoint": ""}, "token_endpoint is missing"},
		"no keys":                 {map[string]any{"jwks_uri": nil}, "jwks_uri is missing"},
		"plain token endpoint":    {map[string]any{"token_endpoint": "http://id.example.com/token"}, "token_endpoint is not an https URL"},
		"plain keys":              {map[string]any{"jwks_uri": "http://id.example.com/keys"}, "jwks_uri is not an https URL"},
		"a program to sign in":    {map[string]any{"authorization_endpoint": "file:///bin/sh"}, "authorization_endpoint is not an https URL"},
		"a password":              {map[string]any{"device_authorization_endpoint": "https://a:b@example.com"}, "device_authorization_endpoint is not"},
		"no URL":                  {map[string]any{"revocation_endpoint": "://"}, "revocation_endpoint is not"},
		"a number for an issuer":  {map[string]any{"issuer": 7}, "failed to decode"},
		"a number for the scopes": {map[string]any{"scopes_supported": 7}, "does not follow the OpenID Connect standard"},
	} {
		t.Run(name, func(t *testing.T) {
			c := serve(t, func(issuer string) map[string]any {
				all := basics(issuer)
				maps.Copy(all, tt.change)
				return all
			}, http.NotFound)
			_, err := c.Discover(t.Context())
			var e *ConfigurationError
			if !errors.As(err, &e) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v", err)
			}
		})
	}
	c := serve(t, basics, http.NotFound)
	secure := &Provider{client: Client{Issuer: "https://id.example.com"}}
	if secure.isSecure("http://127.0.0.1/token") || !secure.isSecure("https://other.example.com/token") {
		t.Error("isSecure accepts http, or refuses https, for an issuer with https")
	}
	c.Issuer += "/missing"
	var e *ConfigurationError
	if _, err := c.Discover(t.Context()); !errors.As(err, &e) || strings.Contains(err.Error(), "\n") {
		t.Errorf("without a provider: %v", err)
	}
}

func TestPageAndScopes(t *testing.T) {
	p, err := serve(t, basics, http.NotFound).Discover(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(p.Page(NewProof(), "http://127.0.0.1:1/cb", []string{"groups"}))
	if err != nil || u.Query().Get("tenant") != "1" || u.Query().Get("scope") != "openid groups" || len(u.Query().Get("nonce")) != 43 {
		t.Errorf("the page is %v, error %v", u, err)
	}
	if p.Issuer() != "" || !p.SupportsBrowser() || !p.SupportsDevice() {
		t.Error("Issuer, SupportsBrowser or SupportsDevice does not fit the configuration")
	}
	if got := p.scopes(nil); got != "openid" {
		t.Errorf("provider without scopes: %q", got)
	}
}

// TestProviderResponses checks that an error contains the token endpoint's response on one line, without secrets
// from the request.
func TestProviderResponses(t *testing.T) {
	const refresh = "EXAMPLE-refresh-token"
	for name, tt := range map[string]struct {
		status int
		body   string
		want   string
		is     error
	}{
		"refused":        {400, `{"error":"invalid_grant","error_description":"token EXAMPLE-refresh-token\nis spent"}`, "returned invalid_grant (token **** is spent)", ErrGrantRejected},
		"a secret in it": {401, `{"error":"invalid_client","error_description":"not EXAMPLE-client-secret"}`, "invalid_client (not ****)", nil},
		"a page":         {502, "<html>Bad Gateway", "returned HTTP 502", nil},
		"not JSON":       {200, "<html>Welcome", "a response that is not valid JSON", nil},
		"a list":         {200, "[]", "a response that is not valid JSON", nil},
		"a redirect":     {302, "", "HTTP 302", nil},
		"large":          {200, `{"id_token":"` + strings.Repeat("x", maxAnswer), "a response that is not valid JSON", nil},
	} {
		t.Run(name, func(t *testing.T) {
			c := serve(t, basics, func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(tt.status)
				io.WriteString(w, tt.body)
			})
			c.Secret = "EXAMPLE-client-secret"
			p, err := c.Discover(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			_, err = p.Refresh(t.Context(), refresh)
			var e *GrantError
			if !errors.As(err, &e) || !strings.Contains(err.Error(), tt.want) || tt.is != nil && !errors.Is(err, tt.is) || strings.Contains(err.Error(), "EXAMPLE-") {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

// aws-vault sends the client's secret in the way that the provider supports.
func TestClientAuthentication(t *testing.T) {
	for name, tt := range map[string]struct {
		methods []string
		header  bool
	}{
		"not listed": {nil, true}, "both": {[]string{"client_secret_post", "client_secret_basic"}, true}, "form": {[]string{"client_secret_post"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			var seen *http.Request
			c := serve(t, func(issuer string) map[string]any {
				all := basics(issuer)
				all["token_endpoint_auth_methods_supported"] = tt.methods
				return all
			}, func(w http.ResponseWriter, r *http.Request) {
				r.ParseForm()
				seen = r
				io.WriteString(w, `{"device_code":"EXAMPLE"}`)
			})
			c.Secret = "EXAMPLE/s"
			p, err := c.Discover(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var e *GrantError
			if _, err := p.DeviceCode(t.Context(), nil); !errors.As(err, &e) || !strings.Contains(err.Error(), "a response without a code") {
				t.Errorf("incomplete code: %v", err)
			}
			user, password, basic := seen.BasicAuth()
			if basic != tt.header || basic && (user != clientID || password != "EXAMPLE%2Fs") {
				t.Errorf("secret in the header: %v, value %q", basic, password)
			}
			if got := seen.PostForm.Get("client_secret"); (got == "EXAMPLE/s") == tt.header {
				t.Errorf("secret in the form: %v", got != "")
			}
		})
	}
}

// FuzzIDToken checks that Verify accepts only tokens with the issuer's signature, and refuses all others with an
// *IDTokenError.
func FuzzIDToken(f *testing.F) {
	fake, err := fakeaws.NewAWS()
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(fake.Close)
	i, err := fake.AddIssuer("123456789012", "corp", clientID)
	if err != nil {
		f.Fatal(err)
	}
	p, err := Client{Issuer: i.URL(), ID: clientID, HTTP: http.DefaultClient, Now: fake.Now}.Discover(context.Background())
	if err == nil {
		err = p.FetchKeys(context.Background())
	}
	if err != nil {
		f.Fatal(err)
	}
	good, err := i.Token("alice", nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Add(good + ".")
	f.Add(good + "\n")
	f.Fuzz(func(t *testing.T, raw string) {
		id, err := p.Verify(raw, Expected{})
		var e *IDTokenError
		same := strings.HasPrefix(raw, good[:strings.LastIndexByte(good, '.')+1]) // a signature has several base64url encodings
		if err == nil && (!same || id.Subject != "alice") || err != nil && !errors.As(err, &e) {
			t.Errorf("%q: %+v, %v", raw, id, err)
		}
	})
}

func FuzzGrantAnswer(f *testing.F) {
	f.Add(200, `{"id_token":"a"}`)
	f.Add(400, `{"error":"slow_down"}`)
	f.Fuzz(func(t *testing.T, status int, body string) {
		if status < 200 || status > 999 {
			return
		}
		answer := &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(body)), Header: http.Header{}}
		p := &Provider{client: Client{Issuer: "https://id.example.com", ID: clientID, HTTP: &http.Client{Transport: fixedResponse{answer}}}, metadata: metadata{Token: "https://id.example.com/token"}}
		_, err := p.Refresh(t.Context(), "EXAMPLE-refresh-token")
		var e *GrantError
		if err != nil && (!errors.As(err, &e) && status/100 != 3 || strings.ContainsAny(err.Error(), "\n\x1b")) {
			t.Errorf("%d %q: %v", status, body, err)
		}
	})
}

type fixedResponse struct{ *http.Response }

func (s fixedResponse) RoundTrip(r *http.Request) (*http.Response, error) {
	s.Request = r
	return s.Response, nil
}
