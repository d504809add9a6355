package source

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
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
	"aws-vault/vault/keystore/keystoretest"
	"aws-vault/vault/peer"
	"aws-vault/vault/plan"
	"aws-vault/vault/signin"
	"aws-vault/vault/store"
)

// An ssoFixture has a portal and a user who signs in with a device code.
type ssoFixture struct {
	*fixture
	portal *fakeaws.SSO
	ring   *keystoretest.Ring
	shown  []string
	opened []string
}

const startURL = "https://corp.awsapps.com/start"

func newSSOFixture(t *testing.T) *ssoFixture {
	r := &ssoFixture{fixture: newFixture(t), ring: keystoretest.New()}
	r.portal = r.aws.AddSSO(startURL, "eu-west-1")
	r.portal.AutoApprove(true)
	r.portal.Assign("123456789012", "Dev")
	dir := t.TempDir()
	locks := &store.Locks{Dir: disk.NewFolder(filepath.Join(dir, "locks")), Now: r.aws.Now}
	r.Tokens = &store.Tokens{Ring: r.ring, Locks: locks, Index: &store.Index{Dir: disk.NewFolder(dir), Locks: locks}, Now: r.aws.Now}
	r.User = User{Peers: peer.ThisUser(), UseDevice: true, Hostname: "laptop", Show: func(m string) { r.shown = append(r.shown, m) }}
	t.Cleanup(func() {
		for _, c := range r.aws.Calls() {
			for _, name := range []string{"clientSecret", "codeVerifier", "refreshToken", "deviceCode", "code"} {
				if secret := c.Params.Get(name); secret != "" {
					r.addSecret(secret)
				}
			}
			if bearer := c.Header.Get("X-Amz-Sso_bearer_token"); bearer != "" {
				r.addSecret(bearer)
			}
		}
		r.noSecret("what was shown", strings.Join(r.shown, "\n"))
		r.noSecret("log", r.log.String())
	})
	return r
}

func (r *ssoFixture) sso() plan.SSO {
	return plan.SSO{Session: "corp", StartURL: startURL, Region: "eu-west-1", OIDC: plan.Endpoint{URL: r.aws.URL(), Origin: "config:1"}}
}

func (r *ssoFixture) role() plan.Step {
	return r.step(plan.KindSSO, plan.SSORole{SSO: r.sso(), Account: "123456789012", Role: "Dev"})
}

// wantActions checks which actions were called since the last check. It compares no parameter except the grant type.
func (r *ssoFixture) wantActions(want ...string) {
	r.Helper()
	var got []string
	for _, c := range r.aws.Calls() {
		if c.Method == http.MethodHead { // a call that only reads the time
			continue
		}
		name := c.Action
		if grant := c.Params.Get("grantType"); grant != "" {
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

func TestSSOByDevice(t *testing.T) {
	r := newSSOFixture(t)
	r.portal.AutoApprove(false)
	r.portal.SetInterval(3 * time.Second)
	r.aws.Fail(fakeaws.Fault{Action: "CreateToken", Code: "SlowDownException", Skip: 1})
	waits := 0
	fast := r.Sleep
	r.Sleep = func(ctx context.Context, d time.Duration) error {
		if waits++; waits == 3 {
			if err := r.portal.Approve(""); err != nil {
				t.Error(err)
			}
		}
		return fast(ctx, d)
	}
	c := r.create(r.role())
	if c.AccountID != "123456789012" || !c.Expires.Equal(r.aws.Now().Add(time.Hour).Truncate(time.Millisecond)) {
		t.Errorf("got %s until %v", c.AccountID, c.Expires)
	}
	if want := []time.Duration{3 * time.Second, 3 * time.Second, 8 * time.Second}; !slices.Equal(r.slept, want) {
		t.Errorf("waited %v, want %v", r.slept, want)
	}
	if len(r.shown) != 1 || !strings.Contains(r.shown[0], "on laptop: open "+r.aws.URL()+"/device and check that the page shows the code ") {
		t.Errorf("the messages are %q", r.shown)
	}
	r.wantActions("RegisterClient", "StartDeviceAuthorization", "device_code AuthorizationPendingException", "device_code SlowDownException", "device_code", "GetRoleCredentials")
	r.create(r.role())
	r.wantActions("GetRoleCredentials")
}

// followPage returns the address that a single-use page redirects to.
func followPage(t *testing.T, page string) string {
	t.Helper()
	resp, err := http.DefaultTransport.RoundTrip(httptest.NewRequest(http.MethodGet, page, nil))
	if err != nil {
		t.Error(err)
		return ""
	}
	resp.Body.Close()
	return resp.Header.Get("Location")
}

// The page with the code filled in is opened only if the user can compare the code with the one in the terminal.
func TestSSOOpensCompletePageIfUserSeesOutput(t *testing.T) {
	for _, reads := range []bool{true, false} {
		r := newSSOFixture(t)
		r.User.SeesOutput = reads
		r.User.OpenBrowser = func(page string) error {
			if len(r.shown) != 1 {
				t.Error("the page was opened before the code was shown")
			}
			r.opened = append(r.opened, followPage(t, page))
			return errors.New("no such program")
		}
		r.create(r.role())
		if len(r.opened) != 1 || strings.Contains(r.opened[0], "user_code") != reads {
			t.Errorf("opened %q with SeesOutput %v", r.opened, reads)
		}
		if len(r.shown) != 2 || !strings.Contains(r.shown[1], "cannot open a browser: no such program") {
			t.Errorf("the messages are %q", r.shown)
		}
	}
}

func TestSSOSignInNotCompleted(t *testing.T) {
	for _, c := range []struct {
		name string
		then func(*ssoFixture)
		want error
		text string
	}{
		{"denied", func(r *ssoFixture) { r.portal.Deny("") }, signin.ErrDenied, "signing in to https://corp.awsapps.com/start: the sign-in was refused in the browser"},
		{"too late", func(r *ssoFixture) { r.aws.Advance(11 * time.Minute) }, signin.ErrTimeout, "the sign-in was not completed in time"},
		{"never", func(*ssoFixture) {}, signin.ErrTimeout, "the sign-in was not completed in time"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newSSOFixture(t)
			r.portal.AutoApprove(false)
			fast, once := r.Sleep, sync.Once{}
			r.Sleep = func(ctx context.Context, d time.Duration) error {
				once.Do(func() { c.then(r) })
				return fast(ctx, d)
			}
			err := r.fail(r.role())
			var e *SignInError
			if !errors.Is(err, c.want) || !errors.As(err, &e) || e.To != startURL {
				t.Errorf("got %v", err)
			}
			r.wantText(err, c.text)
		})
	}
}

func TestSSOWaitIsCanceled(t *testing.T) {
	r := newSSOFixture(t)
	r.portal.AutoApprove(false)
	ctx, stop := context.WithCancelCause(t.Context())
	gone := errors.New("gone")
	r.Sleep = func(ctx context.Context, _ time.Duration) error {
		stop(gone)
		return context.Cause(ctx)
	}
	if _, err := r.Create(ctx, r.role(), r.key()); !errors.Is(err, gone) {
		t.Errorf("got %v", err)
	}
}

func TestSSOByBrowser(t *testing.T) {
	r := newSSOFixture(t)
	r.User.UseDevice = false
	s := r.role()
	spec := s.Spec.(plan.SSORole)
	spec.Scopes = []string{"sso:account:access", "codewhisperer:completions"}
	s.Spec = spec
	done := make(chan error, 1)
	r.User.OpenBrowser = func(page string) error {
		if strings.Contains(page, "authorize") {
			t.Errorf("the browser's argument is %s", page)
		}
		page = followPage(t, page)
		u, err := url.Parse(page)
		if err != nil {
			return err
		}
		q := u.Query()
		if q.Get("scopes") != "sso:account:access codewhisperer:completions" || q.Get("code_challenge_method") != "S256" || q.Has("scope") {
			t.Errorf("opened %s", page)
		}
		go func() {
			resp, err := http.Get(page)
			if err == nil {
				resp.Body.Close()
			}
			done <- err
		}()
		return nil
	}
	r.create(s)
	if err := <-done; err != nil {
		t.Error(err)
	}
	calls := r.wantCalls(4)
	if got := calls[0].Params["redirectUris"]; !slices.Equal(got, []string{"http://127.0.0.1/oauth/callback"}) {
		t.Errorf("registered redirects %q", got)
	}
	if got := calls[0].Params["scopes"]; !slices.Equal(got, spec.Scopes) {
		t.Errorf("registered scopes %q", got)
	}
	r.wantActions("RegisterClient", "Authorize", "authorization_code", "GetRoleCredentials")
}

func TestSSOTokenIsRenewedSilently(t *testing.T) {
	for _, keeps := range []bool{false, true} {
		r := newSSOFixture(t)
		r.portal.KeepRefreshTokens(keeps)
		r.create(r.role())
		for range 3 {
			r.aws.Reset()
			r.aws.Advance(8*time.Hour - time.Minute) // the token is valid for another minute
			r.create(r.role())
			r.wantActions("refresh_token", "GetRoleCredentials")
		}
		if len(r.shown) != 1 {
			t.Errorf("%d sign-ins, want 1", len(r.shown))
		}
	}
}

// A token that cannot be renewed is used until it expires.
func TestSSOTokenIsUsedUntilItExpires(t *testing.T) {
	r := newSSOFixture(t)
	r.create(r.role())
	r.aws.Advance(8*time.Hour - time.Minute)
	r.aws.Reset()
	r.aws.Fail(fakeaws.Fault{Action: "CreateToken", Status: 500, Times: -1})
	r.create(r.role())
	r.wantActions("refresh_token InternalFailure", "refresh_token InternalFailure", "refresh_token InternalFailure", "GetRoleCredentials")
	r.aws.Advance(2 * time.Minute)
	if err := r.fail(r.role()); len(r.shown) != 1 {
		t.Errorf("the user was prompted to sign in, though the result is %v", err)
	}
}

func TestSSORevokedTokenIsReplacedOnce(t *testing.T) {
	r := newSSOFixture(t)
	r.create(r.role())
	r.aws.Reset()
	r.portal.Revoke("")
	r.create(r.role())
	r.wantActions("GetRoleCredentials UnauthorizedException", "refresh_token InvalidGrantException", "StartDeviceAuthorization", "device_code", "GetRoleCredentials")

	r.aws.Fail(fakeaws.Fault{Action: "GetRoleCredentials", Status: 401, Code: "UnauthorizedException", Times: -1})
	if e := failAs[*awsapi.APIError](r.fixture, r.role()); e.Status != 401 {
		t.Errorf("got %v", e)
	}
	r.wantActions("GetRoleCredentials UnauthorizedException", "refresh_token", "GetRoleCredentials UnauthorizedException")
}

// A client registration that is no longer accepted is replaced once.
func TestSSORegistrationIsReplaced(t *testing.T) {
	r := newSSOFixture(t)
	r.create(r.role())
	r.aws.Reset()
	r.aws.Advance(91 * 24 * time.Hour)
	r.create(r.role())
	r.wantActions("RegisterClient", "StartDeviceAuthorization", "device_code", "GetRoleCredentials")

	r.portal.Revoke("")
	r.aws.Fail(fakeaws.Fault{Action: "StartDeviceAuthorization", Status: 401, Code: "InvalidClientException"})
	r.create(r.role())
	r.wantActions("GetRoleCredentials UnauthorizedException", "refresh_token InvalidGrantException",
		"StartDeviceAuthorization InvalidClientException", "RegisterClient", "StartDeviceAuthorization", "device_code", "GetRoleCredentials")
}

// A client registration that Identity Center has forgotten is replaced before a browser opens, because a browser
// that is opened with it shows only an error.
func TestSSOForgottenRegistrationIsReplaced(t *testing.T) {
	r := newSSOFixture(t)
	r.User.UseDevice = false
	r.User.OpenBrowser = func(page string) error {
		resp, err := http.Get(followPage(t, page))
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("the sign-in page answers %s", resp.Status) // the sign-in would wait for minutes
		}
		return nil
	}
	r.create(r.role())
	r.wantActions("RegisterClient", "Authorize", "authorization_code", "GetRoleCredentials")
	r.portal.ForgetClients()
	r.aws.Advance(9 * time.Hour)
	r.create(r.role())
	r.wantActions("refresh_token InvalidClientException", "RegisterClient", "Authorize", "authorization_code", "GetRoleCredentials")
	r.aws.Advance(9 * time.Hour)
	r.create(r.role())
	r.wantActions("refresh_token", "GetRoleCredentials")
}

func TestSSOOneSignInForAll(t *testing.T) {
	r := newSSOFixture(t)
	var all sync.WaitGroup
	for range 40 {
		all.Go(func() {
			if _, err := r.execute(r.role()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	count := map[string]int{}
	for _, c := range r.aws.Calls() {
		count[c.Action]++
	}
	if count["RegisterClient"] != 1 || count["StartDeviceAuthorization"] != 1 || count["CreateToken"] != 1 || count["GetRoleCredentials"] != 40 {
		t.Errorf("called %v", count)
	}
}

func TestSSORefusals(t *testing.T) {
	r := newSSOFixture(t)
	s := r.role()
	spec := s.Spec.(plan.SSORole)
	spec.Role = "Admin"
	s.Spec = spec
	if e := failAs[*awsapi.APIError](r.fixture, s); e.Status != 403 || e.Resource != "Admin in 123456789012" {
		t.Errorf("got %v", e)
	}
	r.aws.Reset()
	r.aws.Fail(fakeaws.Fault{Action: "GetRoleCredentials", Throttle: true, Times: 2})
	r.create(r.role())
	r.wantActions("GetRoleCredentials TooManyRequestsException", "GetRoleCredentials TooManyRequestsException", "GetRoleCredentials")
	r.aws.Fail(fakeaws.Fault{Action: "GetRoleCredentials", HTML: true})
	if e := failAs[*awsapi.NotAWSError](r.fixture, r.role()); e.MediaType != "text/html" {
		t.Errorf("got %v", e)
	}
	r.aws.Fail(fakeaws.Fault{Action: "GetRoleCredentials", TruncateXML: true, Times: -1})
	if e := failAs[*awsapi.NotAWSError](r.fixture, r.role()); !e.Truncated {
		t.Errorf("got %v", e)
	}

	r = newSSOFixture(t)
	r.aws.Fail(fakeaws.Fault{Action: "RegisterClient", Code: "InvalidScopeException"})
	r.wantText(failAs[*awsapi.APIError](r.fixture, r.role()), "RegisterClient of "+startURL+": AWS returned InvalidScopeException")
	r.aws.Reset()
	for _, e := range []*plan.Endpoint{&s.Endpoint, &spec.OIDC} {
		spec.OIDC, s.Endpoint = plan.Endpoint{}, plan.Endpoint{}
		e.URL, e.Origin = "http://sso.example.com", "config:7"
		s.Spec = spec
		failAs[*awsapi.PlainHTTPError](r.fixture, s)
	}
	r.User.Show = nil
	if e := failAs[*SignInError](r.fixture, r.role()); !errors.Is(e, errNoUser) {
		t.Errorf("got %v", e)
	}
	r.wantCalls(0)
}

func TestUnsafePagesAreNotOpened(t *testing.T) {
	for _, page := range []string{"", "file:///etc/passwd", "http://example.com/", "https://", "https://user@example.com/", "-a Calculator", "javascript:alert(1)"} {
		if checkPageURL(page) == nil {
			t.Errorf("the page %q would be opened", page)
		}
	}
	for _, page := range []string{"https://device.sso.eu-west-1.amazonaws.com/?user_code=A", "http://127.0.0.1:1/x"} {
		if err := checkPageURL(page); err != nil {
			t.Errorf("%q: %v", page, err)
		}
	}
}

// TestEncodedHosts checks that a page of a provider is opened and shown with a host in ASCII, with one note.
func TestEncodedHosts(t *testing.T) {
	r := newSSOFixture(t)
	r.User.OpenBrowser = func(string) error { return nil }
	for range 2 {
		v := &signInAttempt{deps: r.Deps, user: r.User, lock: io.NopCloser(nil)}
		code := signin.DeviceCode{URL: "https://\u0430ws.amazon.com/device", User: "AAAA"}
		if err := errors.Join(v.openSignInPage(startURL, "https://\u0430ws.amazon.com/authorize?a=b"), v.showDeviceCode(startURL, code)); err != nil {
			t.Fatal(err)
		}
		v.end(nil)
	}
	shown := strings.Join(r.shown, "\n")
	if !strings.Contains(shown, "open https://xn--ws-6kc.amazon.com/authorize?a=b") || !strings.Contains(shown, "open https://xn--ws-6kc.amazon.com/device") || strings.Contains(shown, "\u0430") {
		t.Errorf("the messages are %s", shown)
	}
	if len(r.notes) != 1 || !strings.Contains(r.notes[0], "the sign-in page is at xn--ws-6kc.amazon.com, which is encoded (punycode)") {
		t.Errorf("notes %q", r.notes)
	}
}

func TestPortalIsListedInPages(t *testing.T) {
	r := newSSOFixture(t)
	for i := range 130 {
		r.portal.Assign("210987654321", "Role"+string(rune('A'+i/26))+string(rune('A'+i%26)))
	}
	var accounts []awsapi.Account
	err := r.SSO(plan.Endpoint{URL: r.aws.URL(), Origin: "config:1"}, r.sso()).Portal(t.Context(), func(p *awsapi.Portal) (err error) {
		accounts, err = p.Accounts(t.Context())
		return err
	})
	if err != nil || len(accounts) != 2 || len(accounts[0].Roles) != 1 || len(accounts[1].Roles) != 130 {
		t.Fatalf("got %v, %v", accounts, err)
	}
	r.wantActions("RegisterClient", "StartDeviceAuthorization", "device_code", "ListAccounts", "ListAccountRoles", "ListAccountRoles", "ListAccountRoles")
}

// A token stays the same when it is encoded and then decoded.
func TestSSOTokenRoundTrip(t *testing.T) {
	in := ssoToken{Access: "EXAMPLE-a", Refresh: "EXAMPLE-r", Expires: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC), Client: awsapi.IDCClient{ID: "id", Secret: "EXAMPLE-s", Expires: time.Date(2030, 3, 1, 0, 0, 0, 0, time.UTC)}}
	k := encode(KindSSOToken, "corp", in.expiry(), in)
	out, ok := decode[ssoToken](k)
	if !ok || out != in || !k.Expires.Equal(in.Client.Expires) || !json.Valid(k.Secret) {
		t.Errorf("the token %+v became %+v", in, out)
	}
}

// An organization may have its own start URL that redirects to the one that AWS knows.
func TestStartURLOfAnOrganisation(t *testing.T) {
	for _, tt := range []struct {
		name, to, region string
		noHead           bool
		sent, fails      string // sent is the start URL that AWS receives; empty for the organization's own URL
	}{
		{name: "AWS's", to: startURL, sent: startURL},
		{name: "AWS's, with more than it needs", to: startURL + "/?a=b#/", sent: startURL},
		{name: "where HEAD is not allowed", to: startURL, noHead: true, sent: startURL},
		{name: "that names the region", to: "https://ssoins-1.portal.eu-west-1.app.aws", sent: "https://ssoins-1.portal.eu-west-1.app.aws"},
		{name: "in another region", to: "https://ssoins-1.portal.us-east-2.app.aws", fails: "in region us-east-2, but sso_region is eu-west-1"},
		{name: "not AWS's", to: "https://corp.awsapps.com.example.com/start"},
		{name: "not encrypted", to: "http://corp.awsapps.com/start"},
		{name: "no redirect"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newSSOFixture(t)
			asked := ""
			own := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
				asked += q.Method
				if tt.noHead && q.Method == http.MethodHead {
					w.WriteHeader(http.StatusMethodNotAllowed)
				} else if tt.to != "" {
					w.Header().Set("Location", tt.to)
					w.WriteHeader(http.StatusFound)
				}
			}))
			defer own.Close()
			roots := filepath.Join(t.TempDir(), "roots.pem")
			r.must(os.WriteFile(roots, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: own.Certificate().Raw}), 0o600))
			to := r.sso()
			to.StartURL, to.OIDC.CABundle = own.URL+"/sso", roots
			sent := tt.sent
			if sent == "" {
				sent = to.StartURL
			}
			r.aws.AddSSO(sent, "eu-west-1").AutoApprove(true)
			_, err := r.SSO(plan.Endpoint{URL: r.aws.URL()}, to).SignIn(t.Context())
			if (err != nil) != (tt.fails != "") || err != nil && !strings.Contains(err.Error(), tt.fails) {
				t.Fatalf("got %v, want %q", err, tt.fails)
			}
			for _, c := range r.aws.Calls() {
				if got := c.Params.Get("startUrl"); c.Action == "StartDeviceAuthorization" && got != sent {
					t.Errorf("sent %s, want %s", got, sent)
				}
			}
			if want := map[bool]string{false: "HEAD", true: "HEADGET"}[tt.noHead]; asked != want {
				t.Errorf("method %s, want %s", asked, want)
			}
		})
	}
}

// A start URL of AWS is used as it is, without a request that looks for a redirect.
func TestStartURLOfAWS(t *testing.T) {
	for _, start := range []string{startURL, "https://d-1234567890.awsapps.cn/start", "https://ssoins-1.portal.eu-west-1.app.aws", "https://identitycenter.amazonaws.com/ssoins-1"} {
		api := &awsapi.Client{} // a client that cannot make calls
		if got, _, err := api.ResolveStartURL(t.Context(), "", start); err != nil || got != start {
			t.Errorf("got %s, %v", got, err)
		}
	}
}
