package source

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"aws-vault/internal/fakeaws"
	"aws-vault/vault/awsapi"
	"aws-vault/vault/disk"
	"aws-vault/vault/keystore"
	"aws-vault/vault/keystore/keystoretest"
	"aws-vault/vault/peer"
	"aws-vault/vault/plan"
	"aws-vault/vault/signin"
	"aws-vault/vault/store"
)

// An openIDFixture has an OIDC provider and a user who signs in with a browser.
type openIDFixture struct {
	*fixture
	issuer *fakeaws.Issuer
	ring   *keystoretest.Ring
	shown  []string
	opened []string
}

// alice is a user who signs in automatically when a sign-in page opens.
var alice = fakeaws.Login{Subject: "alice", Auto: true}

func newOpenIDFixture(t *testing.T, people fakeaws.Login) *openIDFixture {
	t.Helper()
	r := &openIDFixture{fixture: newFixture(t), ring: keystoretest.New()}
	var err error
	if r.issuer, err = r.aws.AddIssuer(r.world.Account, "corp", "aws-vault"); err != nil {
		t.Fatal(err)
	}
	r.issuer.People(people)
	r.aws.AddRole(webRole, fakeaws.Role{Trusts: []string{r.issuer.ARN()}})
	dir := t.TempDir()
	locks := &store.Locks{Dir: disk.NewFolder(filepath.Join(dir, "locks")), Now: r.aws.Now}
	r.Tokens = &store.Tokens{Ring: r.ring, Locks: locks, Index: &store.Index{Dir: disk.NewFolder(dir), Locks: locks}, Now: r.aws.Now}
	r.User = User{Peers: peer.ThisUser(), Hostname: "laptop", Show: func(m string) { r.shown = append(r.shown, m) }, OpenBrowser: func(page string) error {
		r.opened = append(r.opened, page)
		go func() {
			if resp, err := http.Get(page); err == nil {
				resp.Body.Close()
			}
		}()
		return nil
	}}
	t.Cleanup(func() {
		for _, c := range r.aws.Calls() {
			for _, name := range []string{"code", "code_verifier", "device_code", "refresh_token", "token", "client_secret", "WebIdentityToken"} {
				if secret := c.Params.Get(name); secret != "" {
					r.addSecret(secret)
				}
			}
		}
		r.noSecret("what was shown", strings.Join(r.shown, "\n"))
		r.noSecret("what was opened", strings.Join(r.opened, "\n"))
		r.noSecret("log", r.log.String())
	})
	return r
}

func (r *openIDFixture) to() plan.OIDC {
	return plan.OIDC{Session: "corp", Issuer: r.issuer.URL(), Client: "aws-vault"}
}

func (r *openIDFixture) role(subject string) plan.Step {
	return r.step(plan.KindOIDC, plan.OIDCRole{OIDC: r.to(), ARN: webRole, SessionName: "alice", Subject: subject})
}

// signIn signs in and fails the test on an error.
func (r *openIDFixture) signIn() OpenIDSignIn {
	r.Helper()
	who, err := r.OpenID(r.to()).SignIn(r.Context())
	if err != nil {
		r.Fatal(err)
	}
	return who
}

// wantActions checks which actions were called since the last check.
func (r *openIDFixture) wantActions(want ...string) {
	r.Helper()
	var got []string
	for _, c := range r.aws.Calls() {
		name := strings.TrimPrefix(c.Action, "OpenID")
		if grant := c.Params.Get("grant_type"); grant != "" {
			name = grant[strings.LastIndexByte(grant, ':')+1:]
		}
		if c.Code != "" {
			name += " " + c.Code
		}
		got = append(got, name)
	}
	if !slices.Equal(got, want) {
		r.Errorf("called\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	r.aws.Reset()
}

const exchanged = "AssumeRoleWithWebIdentity"

func TestOpenIDByBrowser(t *testing.T) {
	r := newOpenIDFixture(t, alice)
	if _, held, err := r.OpenID(r.to()).Stored(t.Context()); held || err != nil || !r.OpenID(r.to()).Prompts(t.Context()) {
		t.Errorf("before the sign-in: %v, %v", held, err)
	}
	who := r.signIn()
	if who.Subject != "alice" || who.Claims["sub"] != "alice" || !who.Renewable || !who.Expires.Equal(r.aws.Now().Add(time.Hour)) {
		t.Errorf("got %+v", who)
	}
	if c := r.create(r.role("alice")); c.AccountID != "123456789012" {
		t.Errorf("got credentials of %q", c.AccountID)
	}
	r.wantActions("Authorize", "authorization_code", exchanged)
	if len(r.opened) != 1 || strings.Contains(r.opened[0], "authorize") || len(r.shown) != 1 || !strings.Contains(r.shown[0], "on laptop in the browser that opens, or open "+r.issuer.URL()+"/authorize?") {
		t.Errorf("opened %q, shown %q", r.opened, r.shown)
	}
	r.signIn()
	r.wantActions()
	held, ok, err := r.OpenID(r.to()).Stored(t.Context())
	if !ok || err != nil || held.Subject != "alice" || r.OpenID(r.to()).Prompts(t.Context()) {
		t.Errorf("stored: %+v, %v, %v", held, ok, err)
	}
}

func TestOpenIDByDevice(t *testing.T) {
	r := newOpenIDFixture(t, fakeaws.Login{Subject: "alice"})
	r.User.Remote, r.User.OpenBrowser = true, nil
	fast, waits := r.Sleep, 0
	r.Sleep = func(ctx context.Context, d time.Duration) error {
		if waits++; waits == 2 {
			page, _, _ := strings.Cut(r.shown[0][strings.Index(r.shown[0], "open http")+5:], " ")
			_, code, _ := strings.Cut(r.shown[0], "shows the code ")
			code, _, _ = strings.Cut(code, ",")
			resp, err := http.Get(page + "?decision=approve&user_code=" + code)
			if err != nil {
				t.Error(err)
			}
			resp.Body.Close()
		}
		return fast(ctx, d)
	}
	if who := r.signIn(); who.Subject != "alice" {
		t.Errorf("got %+v", who)
	}
	r.wantActions("Device", "device_code authorization_pending", "DevicePage", "device_code")
}

// The profile's setting selects the browser flow or the device flow. Without the setting, the choice depends on where
// the user is and on the flows that the provider supports.
func TestOpenIDFlow(t *testing.T) {
	both, browser, device := &fakeProvider{true, true}, &fakeProvider{browses: true}, &fakeProvider{devices: true}
	for _, tt := range []struct {
		flow   string
		remote bool
		of     *fakeProvider
		device bool
	}{
		{"", false, both, false}, {"", true, both, true}, {"", true, browser, false}, {"", false, device, true},
		{plan.FlowDevice, false, both, true}, {plan.FlowBrowser, true, both, false}, {plan.FlowDevice, false, browser, true},
	} {
		d := &Deps{User: User{Remote: tt.remote}}
		if got := d.OpenID(plan.OIDC{Flow: tt.flow}).usesDeviceFlow(tt.of); got != tt.device {
			t.Errorf("flow %q, remote %v, %+v: device flow %v", tt.flow, tt.remote, tt.of, got)
		}
	}
	r := newOpenIDFixture(t, fakeaws.Login{Subject: "alice", NoDevice: true})
	to := r.to()
	to.Flow = plan.FlowDevice
	_, err := r.OpenID(to).SignIn(t.Context())
	var e *SignInError
	if !errors.As(err, &e) || !strings.Contains(err.Error(), "expected oidc_flow = browser") {
		t.Errorf("got %v", err)
	}
}

type fakeProvider struct{ browses, devices bool }

func (p *fakeProvider) SupportsBrowser() bool { return p.browses }
func (p *fakeProvider) SupportsDevice() bool  { return p.devices }

// An expired token is renewed without a prompt. If the response has no ID token, the user signs in again.
func TestOpenIDRenewed(t *testing.T) {
	for _, tt := range []struct {
		name   string
		people fakeaws.Login
		change func(*openIDFixture)
		want   []string
		fails  string
	}{
		{"renewed", alice, nil, []string{"refresh_token"}, ""},
		{"renewed with the same token", fakeaws.Login{Subject: "alice", Auto: true, KeepRefresh: true}, nil, []string{"refresh_token"}, ""},
		{"no ID token", fakeaws.Login{Subject: "alice", Auto: true, NoIDAgain: true}, nil, []string{"refresh_token", "Authorize", "authorization_code"}, ""},
		{"no refresh token", fakeaws.Login{Subject: "alice", Auto: true, NoRefresh: true}, nil, []string{"Authorize", "authorization_code"}, ""},
		{"ended there", alice, func(r *openIDFixture) { r.issuer.EndLogins() }, []string{"refresh_token invalid_grant", "Authorize", "authorization_code"}, ""},
		{"another user", fakeaws.Login{Subject: "alice", Auto: true, SubjectAgain: "bob"}, nil, []string{"refresh_token"}, "a different user"},
		{"another client's", alice, func(r *openIDFixture) {
			r.issuer.People(fakeaws.Login{Subject: "alice", Auto: true, Claims: map[string]any{"azp": "else"}})
		}, []string{"refresh_token"}, "azp claim"},
		{"out of order", alice, func(r *openIDFixture) { r.issuer.People(fakeaws.Login{Subject: "alice", Secret: "EXAMPLE"}) },
			[]string{"refresh_token invalid_client"}, "invalid_client"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newOpenIDFixture(t, tt.people)
			r.signIn()
			if tt.change != nil {
				tt.change(r)
			}
			r.aws.Reset()
			r.aws.Advance(58 * time.Minute)
			r.signIn()
			r.wantActions()
			r.aws.Advance(90 * time.Second)
			who, err := r.OpenID(r.to()).SignIn(t.Context())
			if tt.fails == "" && (err != nil || who.Subject != "alice" || who.Expires.Sub(r.aws.Now()) != time.Hour) || tt.fails != "" && (err == nil || !strings.Contains(err.Error(), tt.fails)) {
				t.Errorf("got %+v, %v", who, err)
			}
			r.wantActions(tt.want...)
		})
	}
}

// A stored ID token that AWS refuses is renewed once. A new ID token that AWS refuses is not renewed.
func TestOpenIDTokenRefusedByAWS(t *testing.T) {
	r := newOpenIDFixture(t, alice)
	r.signIn()
	r.lastOpenID.set("") // forget the ID token, as a new process does
	if err := r.issuer.Rotate(); err != nil {
		t.Fatal(err)
	}
	r.aws.Reset()
	r.create(r.role("alice"))
	const refused = exchanged + " InvalidIdentityToken"
	r.wantActions(refused, refused, refused, "refresh_token", exchanged)
	r.aws.Fail(fakeaws.Fault{Action: exchanged, Code: "InvalidIdentityToken", Times: 9})
	r.fail(r.role("alice"))
	r.wantActions(exchanged + " InvalidIdentityToken")
	r.aws.Advance(2 * time.Minute)
	if e := failAs[*awsapi.APIError](r.fixture, r.role("alice")); e.Code != "InvalidIdentityToken" {
		t.Errorf("got %v", e)
	}
	r.wantActions(exchanged+" InvalidIdentityToken", "refresh_token", exchanged+" InvalidIdentityToken")
	r.aws.Advance(2 * time.Hour)
	r.fail(r.role("alice"))
	r.wantActions("refresh_token", exchanged+" InvalidIdentityToken")
	r.aws.Heal()
	r.aws.Fail(fakeaws.Fault{Action: exchanged, Code: "AccessDenied"})
	r.fail(r.role("alice"))
	r.wantActions(exchanged + " AccessDenied")
}

// A new token is used even if its whole lifetime is shorter than the required validity.
func TestOpenIDShortToken(t *testing.T) {
	r := newOpenIDFixture(t, fakeaws.Login{Subject: "alice", Auto: true, NoRefresh: true, Lasts: 40})
	r.signIn()
	r.create(r.role("alice"))
	r.wantActions("Authorize", "authorization_code", exchanged)
	r.aws.Advance(41 * time.Second)
	r.create(r.role("alice"))
	r.wantActions("Authorize", "authorization_code", exchanged)
}

// A plan for one user is not carried out if another user is signed in.
func TestOpenIDOtherUser(t *testing.T) {
	r := newOpenIDFixture(t, alice)
	if e := failAs[*IdentityChangedError](r.fixture, r.role("bob")); e.Spec.(plan.OIDCRole).Subject != "alice" {
		t.Errorf("got %+v", e)
	}
	r.wantActions("Authorize", "authorization_code")
}

// An invalid ID token is neither stored nor sent.
func TestOpenIDTokenIsVerified(t *testing.T) {
	for name, claims := range map[string]map[string]any{
		"audience": {"aud": "else"}, "nonce": {"nonce": "n"}, "no nonce": {"nonce": nil}, "azp": {"azp": "else"}, "issuer": {"iss": "https://example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newOpenIDFixture(t, fakeaws.Login{Subject: "alice", Auto: true, Claims: claims})
			var e *signin.IDTokenError
			if _, err := r.OpenID(r.to()).SignIn(t.Context()); !errors.As(err, &e) {
				t.Errorf("got %v", err)
			}
			if err := r.fail(r.role("alice")); !errors.As(err, &e) {
				t.Errorf("got %v", err)
			}
			if len(r.ring.Items) != 0 {
				t.Error("a token is stored")
			}
			r.wantActions("Authorize", "authorization_code", "Authorize", "authorization_code")
		})
	}
}

func TestOpenIDRefused(t *testing.T) {
	r := newOpenIDFixture(t, fakeaws.Login{Deny: true})
	_, err := r.OpenID(r.to()).SignIn(t.Context())
	var e *SignInError
	if !errors.As(err, &e) || !errors.Is(err, signin.ErrDenied) || !e.OIDC || e.To != r.issuer.URL() {
		t.Errorf("got %v", err)
	}
	r.User = User{}
	if _, err := r.OpenID(r.to()).SignIn(t.Context()); !errors.Is(err, errNoUser) {
		t.Errorf("without a user: %v", err)
	}
	s := r.role("alice")
	s.Endpoint.URL = "http://sts.example.com"
	r.aws.Reset()
	if e := failAs[*awsapi.PlainHTTPError](r.fixture, s); e.URL != "http://sts.example.com" {
		t.Errorf("got %v", e)
	}
	r.wantActions()
}

func TestOpenIDClientSecret(t *testing.T) {
	people := alice
	people.Secret = exampleSecret
	r := newOpenIDFixture(t, people)
	_, err := r.OpenID(r.to()).SignIn(t.Context())
	var e *signin.GrantError
	if !errors.As(err, &e) || e.Code != "invalid_client" {
		t.Errorf("without the secret: %v", err)
	}
	for _, secret := range []string{"EXAMPLE-wrong", exampleSecret} {
		if err := r.OpenID(r.to()).StoreSecret(t.Context(), secret); err != nil {
			t.Fatal(err)
		}
	}
	r.addSecret(exampleSecret)
	r.signIn()
	tear := func() {
		name := r.OpenID(r.to()).secretName()
		r.ring.Items[name] = keystore.Item{Name: name, Data: []byte("torn")}
	}
	tear()
	if err := r.OpenID(r.to()).StoreSecret(t.Context(), exampleSecret); err != nil {
		t.Errorf("replacing a damaged secret: %v", err)
	}
	tear()
	if err := r.OpenID(r.to()).RemoveSecret(t.Context()); err != nil || len(r.ring.Items) != 1 {
		t.Fatalf("removing a damaged secret: %v, %d items, want 1", err, len(r.ring.Items))
	}
	r.aws.Advance(2 * time.Hour)
	if _, err := r.OpenID(r.to()).SignIn(t.Context()); !errors.As(err, &e) || e.Code != "invalid_client" {
		t.Errorf("after RemoveSecret: %v", err)
	}
	broken := errors.New("the keystore is full")
	r.ring.Errors["Put"] = broken
	if err := r.OpenID(r.to()).StoreSecret(t.Context(), "EXAMPLE"); !errors.Is(err, broken) {
		t.Errorf("full keystore: %v", err)
	}
}

const exampleSecret = "EXAMPLE-client-secret"

// If a sign-in cannot be stored, only this process uses it, until the user signs out.
func TestOpenIDTokenNotStored(t *testing.T) {
	r := newOpenIDFixture(t, alice)
	r.ring.Errors["Put"] = errors.New("disk full")
	r.signIn()
	if _, err := r.Create(r.Context(), r.role("alice"), r.key()); err != nil {
		t.Error(err)
	}
	if len(r.opened) != 1 || len(r.notes) != 1 {
		t.Errorf("opened %q, notes %q", r.opened, r.notes)
	}
	delete(r.ring.Errors, "Put")
	r.aws.Advance(2 * time.Hour) // the token expires
	r.signIn()
	if _, err := r.OpenID(r.to()).Logout(r.Context()); err != nil {
		t.Error(err)
	}
	if len(r.opened) != 1 {
		t.Errorf("opened %q although the token could be renewed", r.opened)
	}
	r.signIn()
	if len(r.opened) != 2 {
		t.Error("no sign-in after Logout")
	}
}

func TestOpenIDLogout(t *testing.T) {
	r := newOpenIDFixture(t, alice)
	if held, err := r.OpenID(r.to()).Logout(t.Context()); held || err != nil {
		t.Errorf("before the sign-in: %v, %v", held, err)
	}
	r.signIn()
	r.aws.Reset()
	if held, err := r.OpenID(r.to()).Logout(t.Context()); !held || err != nil || len(r.ring.Items) != 0 {
		t.Errorf("got %v, %v", held, err)
	}
	r.wantActions("Revoke")
	// A damaged sign-in is removed too, so that it does not cause a warning at every later sign-in.
	r.signIn()
	name := string(r.to().TokenDigest())
	r.ring.Items[name] = keystore.Item{Name: name, Data: []byte("torn")}
	if held, err := r.OpenID(r.to()).Logout(t.Context()); !held || err != nil || len(r.ring.Items) != 0 {
		t.Errorf("damaged sign-in: %v, %v, %d items", held, err, len(r.ring.Items))
	}
	r.signIn()
	r.aws.Close()
	var silent *awsapi.UnreachableError
	if held, err := r.OpenID(r.to()).Logout(t.Context()); !held || !errors.As(err, &silent) || len(r.ring.Items) != 0 {
		t.Errorf("provider not reachable: %v, %v", held, err)
	}
}

// Concurrent requests cause only one sign-in.
func TestOpenIDConcurrentSignIn(t *testing.T) {
	r := newOpenIDFixture(t, alice)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if who, err := r.OpenID(r.to()).SignIn(t.Context()); err != nil || who.Subject != "alice" {
				t.Errorf("got %+v, %v", who, err)
			}
		})
	}
	all.Wait()
	r.wantActions("Authorize", "authorization_code")
}

func TestOpenIDUnreachable(t *testing.T) {
	r := newOpenIDFixture(t, alice)
	to := r.to()
	to.Issuer = "http://127.0.0.1:1"
	var e *awsapi.UnreachableError
	if _, err := r.OpenID(to).SignIn(t.Context()); !errors.As(err, &e) || e.Endpoint != to.Issuer {
		t.Errorf("got %v", err)
	}
	to.Issuer = r.issuer.URL() + "/"
	var other *signin.ConfigurationError
	if _, err := r.OpenID(to).SignIn(t.Context()); !errors.As(err, &other) || other.ActualIssuer != r.issuer.URL() {
		t.Errorf("got %v", err)
	}
}

// A sign-in stays stored for as long as sessions that were created with it can be valid.
func TestOpenIDTokenLifetime(t *testing.T) {
	made := time.Date(2030, 1, 2, 0, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		t    openIDToken
		want time.Duration
	}{
		{openIDToken{Refresh: "r", Expires: made.Add(time.Hour)}, refreshLifetime},
		{openIDToken{Expires: made.Add(time.Hour)}, maxSessionLifetime},
		{openIDToken{Expires: made.Add(24 * time.Hour)}, 24 * time.Hour},
	} {
		tt.t.Made = made
		if got := tt.t.expiry().Sub(made); got != tt.want {
			t.Errorf("%+v is stored for %v, want %v", tt.t, got, tt.want)
		}
	}
}

// The provider's certificate is checked against the profile's trusted roots, and its endpoints must use TLS.
func TestOpenIDOverTLS(t *testing.T) {
	r := newOpenIDFixture(t, alice)
	var server *httptest.Server
	endpoint := ""
	server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"issuer":%q,"authorization_endpoint":"%s/authorize","token_endpoint":"%s/token","jwks_uri":"%[1]s/keys"}`, server.URL, server.URL, endpoint)
	}))
	defer server.Close()
	bundle := filepath.Join(t.TempDir(), "ca.pem")
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(bundle, cert, 0o600); err != nil {
		t.Fatal(err)
	}
	r.User.OpenBrowser = nil
	r.User.Show = func(m string) {
		_, after, _ := strings.Cut(m, ": open ")
		address, _, _ := strings.Cut(after, " ")
		page, err := url.Parse(address)
		if err != nil {
			t.Error(err)
			return
		}
		q := page.Query()
		go http.Get(q.Get("redirect_uri") + "?" + url.Values{"state": {q.Get("state")}, "error": {"access_denied"}}.Encode())
	}
	to := plan.OIDC{Issuer: server.URL, Client: "aws-vault"}
	var silent *awsapi.UnreachableError
	if _, err := r.OpenID(to).SignIn(t.Context()); !errors.As(err, &silent) || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("without the provider's root certificate: %v", err)
	}
	to.CABundle = bundle
	endpoint = "http://127.0.0.1:1"
	var odd *signin.ConfigurationError
	if _, err := r.OpenID(to).SignIn(t.Context()); !errors.As(err, &odd) || !strings.Contains(err.Error(), "token_endpoint is not an https URL") {
		t.Errorf("with an endpoint without TLS: %v", err)
	}
	endpoint = server.URL
	if _, err := r.OpenID(to).SignIn(t.Context()); !errors.Is(err, signin.ErrDenied) {
		t.Errorf("with the provider's root certificate: %v", err)
	}
}

// AWS refuses a valid token if it cannot fetch the provider's keys. The error is temporary, so the ID token is
// kept.
func TestProviderUnreachableByAWS(t *testing.T) {
	const unreached = "Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for requirements"
	r := newOpenIDFixture(t, alice)
	r.signIn()
	r.lastOpenID.set("") // forget the ID token, as a new process does
	r.aws.Reset()
	const refused = exchanged + " InvalidIdentityToken"
	r.aws.Fail(fakeaws.Fault{Action: exchanged, Code: "InvalidIdentityToken", Message: unreached, Times: 2})
	r.create(r.role("alice"))
	r.wantActions(refused, refused, exchanged)
	r.aws.Fail(fakeaws.Fault{Action: exchanged, Code: "InvalidIdentityToken", Message: unreached, Times: 3})
	r.aws.Reset()
	r.aws.Fail(fakeaws.Fault{Action: exchanged, Code: "InvalidIdentityToken", Message: unreached, Times: 3})
	if e := failAs[*awsapi.APIError](r.fixture, r.role("alice")); !e.Retry {
		t.Errorf("got %+v, want one that may be tried again", e)
	}
	r.wantActions(refused, refused, refused)
}
