package source

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"aws-vault/internal/fakeaws"
	"aws-vault/vault/awsapi"
	"aws-vault/vault/keystore"
	"aws-vault/vault/plan"
	"aws-vault/vault/signin"
	"aws-vault/vault/store"
)

// loginFixture is a test in which alice signs in with `aws login`.
type loginFixture struct{ *ssoFixture }

func newLoginFixture(t *testing.T) loginFixture {
	r := loginFixture{newSSOFixture(t)}
	r.aws.SetLogin(r.alice(), true)
	r.Logins = &store.LoginCache{Dir: t.TempDir()}
	r.User.OpenBrowser = func(page string) error {
		go r.visit(page)
		return nil
	}
	return r
}

func (r loginFixture) alice() string { return "arn:aws:iam::" + r.world.Account + ":user/alice" }

// visit opens a page as a browser does and returns its text.
func (r loginFixture) visit(page string) string {
	resp, err := http.Get(page)
	if err != nil {
		r.Error(err)
		return ""
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	return string(text)
}

func (r loginFixture) login() plan.Step {
	return r.step(plan.KindLogin, plan.Login{Session: r.alice()})
}

func (r loginFixture) signIn(remote bool) {
	r.Helper()
	who, err := r.AWSLogin(r.login()).SignIn(r.Context(), r.alice(), remote)
	if err != nil || who != r.alice() {
		r.Fatalf("signed in as %s, %v", who, err)
	}
}

func TestLoginIsRenewedUntilItEnds(t *testing.T) {
	r := newLoginFixture(t)
	r.signIn(false)
	for range 5 {
		c := r.create(r.login())
		if c.AccountID != r.world.Account || !c.Expires.After(r.aws.Now().Add(5*time.Minute)) {
			t.Errorf("got %s until %v", c.AccountID, c.Expires)
		}
		r.addSecret(c.SecretAccessKey)
		r.addSecret(c.SessionToken)
		r.aws.Advance(12 * time.Minute)
	}
	r.wantActions("LoginPage", "authorization_code", "refresh_token", "refresh_token", "refresh_token", "refresh_token")

	r.aws.Advance(12 * time.Hour)
	if e := failAs[*LoginRequiredError](r.fixture, r.login()); e.Session != r.alice() || e.Profile != "p" || e.Cached {
		t.Errorf("got %+v", e)
	}
}

// Concurrent renewals use the refresh token only once.
func TestLoginIsRenewedOnce(t *testing.T) {
	r := newLoginFixture(t)
	r.signIn(false)
	r.aws.Advance(12 * time.Minute)
	r.aws.Reset()
	var all sync.WaitGroup
	for range 40 {
		all.Go(func() {
			if _, err := r.execute(r.login()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	r.wantActions("refresh_token")
}

func TestLoginRemote(t *testing.T) {
	r := newLoginFixture(t)
	code := regexp.MustCompile(`<code>([^<]*)</code>`)
	r.User.AskCode = func(context.Context) (string, error) {
		address := regexp.MustCompile(`http://\S+/v1/\S+`).FindString(r.shown[len(r.shown)-1])
		if !strings.Contains(address, "cross-device") {
			t.Errorf("the messages are %q", r.shown)
		}
		found := code.FindStringSubmatch(r.visit(address))
		return r.addSecret(found[1]), nil
	}
	r.signIn(true)
	r.create(r.login())
	r.wantActions("LoginPage", "ConfirmationPage", "authorization_code")

	r.User.AskCode = func(context.Context) (string, error) { return "nonsense", nil }
	if _, err := r.AWSLogin(r.login()).SignIn(t.Context(), "", true); !errors.Is(err, signin.ErrInvalidPaste) {
		t.Errorf("got %v", err)
	}
	r.User.AskCode = nil
	if _, err := r.AWSLogin(r.login()).SignIn(t.Context(), "", true); !errors.Is(err, errNoUser) {
		t.Errorf("got %v", err)
	}
}

func TestLoginOfAnotherUser(t *testing.T) {
	r := newLoginFixture(t)
	var e *IdentityError
	if _, err := r.AWSLogin(r.login()).SignIn(t.Context(), "arn:aws:iam::123456789012:user/bob", false); !errors.As(err, &e) || e.Found != r.alice() {
		t.Errorf("got %v", err)
	}
	if len(r.ring.Items) != 0 {
		t.Error("another user's sign-in was stored")
	}
}

// Before the response arrives, it is not known who signs in. So another process may be renewing an older sign-in
// of the same identity meanwhile. The new sign-in replaces the result of that renewal.
func TestLoginReplacesRenewal(t *testing.T) {
	r := newLoginFixture(t)
	r.signIn(false)
	old := r.stored()
	other := r.Tokens.Exchange(string(plan.Login{Session: r.alice()}.TokenDigest()))
	_, lock, err := other.Lock(t.Context(), "a renewal")
	if err != nil {
		t.Fatal(err)
	}
	var once sync.Once
	saved := make(chan struct{})
	r.ring.BeforePut = func(_ context.Context, it keystore.Item) (keystore.Item, error) {
		if it.Name == string(plan.Login{Session: r.alice()}.TokenDigest()) {
			defer once.Do(func() { close(saved) })
		}
		return it, nil
	}
	ended := make(chan error)
	go func() {
		_, err := r.AWSLogin(r.login()).SignIn(t.Context(), "", false)
		ended <- err
	}()
	<-saved
	renewed := old
	renewed.Refresh = "EXAMPLE-renewed-by-another-process"
	other.Save(renewed.token())
	lock.Close()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if now := r.stored(); now.Key == old.Key {
		t.Error("the renewal of the older sign-in replaced the new sign-in")
	}
}

// If a renewal fails, aws-vault tries again. It uses the old credentials while they are valid.
func TestLoginNotCompleted(t *testing.T) {
	r := newLoginFixture(t)
	r.signIn(false)
	r.aws.Advance(12 * time.Minute)
	r.aws.Reset()
	r.aws.Fail(fakeaws.Fault{Action: "CreateOAuth2Token", Status: 503, Code: "Busy", Times: 2})
	r.create(r.login())
	r.wantActions("refresh_token Busy", "refresh_token Busy", "refresh_token")

	r.aws.Advance(12 * time.Minute)
	r.aws.Fail(fakeaws.Fault{Action: "CreateOAuth2Token", Hangup: true, Times: -1})
	r.create(r.login())
	r.aws.Advance(5 * time.Minute)
	if e := failAs[*awsapi.UnreachableError](r.fixture, r.login()); e.Endpoint != r.aws.URL() {
		t.Errorf("got %v", e)
	}
	r.aws.Heal()
	r.aws.Fail(fakeaws.Fault{Action: "CreateOAuth2Token", HTML: true, Times: -1})
	failAs[*awsapi.NotAWSError](r.fixture, r.login())
	r.aws.Heal()
	r.aws.Fail(fakeaws.Fault{Action: "CreateOAuth2Token", Code: "ValidationException", Message: "no"})
	r.wantText(failAs[*awsapi.APIError](r.fixture, r.login()), "CreateOAuth2Token: AWS returned ValidationException: no")
	r.create(r.login())
}

func TestLoginOfTheAWSCLI(t *testing.T) {
	r := newLoginFixture(t)
	r.signIn(false)
	var ours loginToken
	for _, it := range r.ring.Items {
		k, _, _ := r.Tokens.Find(t.Context(), it.Name)
		ours, _ = decode[loginToken](k)
	}
	clear(r.ring.Items)
	r.aws.Reset()
	write := func(expires time.Time) {
		text := `{"accessToken":{"accessKeyId":"` + ours.KeyID + `","secretAccessKey":"` + ours.Secret + `","sessionToken":"` + ours.Token +
			`","accountId":"123456789012","expiresAt":"` + expires.Format(time.RFC3339) + `"},"clientId":"` + ours.Client + `","refreshToken":"` + ours.Refresh +
			`","dpopKey":"` + strings.ReplaceAll(ours.Key, "\n", `\n`) + `"}`
		if err := os.WriteFile(r.Logins.Path(r.alice()), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(r.aws.Now().Add(10 * time.Minute))
	r.create(r.login())
	if len(r.ring.Items) != 0 {
		t.Error("the AWS CLI's sign-in was stored")
	}
	write(r.aws.Now())
	if e := failAs[*LoginRequiredError](r.fixture, r.login()); !e.Cached {
		t.Errorf("got %+v", e)
	}
	r.wantActions()

	// The AWS CLI's copy of a sign-in is removed only after aws-vault has stored the sign-in correctly.
	r.ring.BeforePut = func(_ context.Context, it keystore.Item) (keystore.Item, error) {
		it.Data = []byte("torn")
		return it, nil
	}
	if found, err := r.AWSLogin(r.login()).Import(t.Context(), r.alice()); !found || err == nil || !strings.Contains(err.Error(), "differs from the one that was written") {
		t.Errorf("imported: %v, error %v, although it was not stored", found, err)
	}
	r.ring.BeforePut = func(_ context.Context, it keystore.Item) (keystore.Item, error) {
		theirs := ours
		ours.Refresh = "EXAMPLE-login-refresh-renewed"
		write(r.aws.Now())
		ours = theirs
		return it, nil
	}
	if found, err := r.AWSLogin(r.login()).Import(t.Context(), r.alice()); !found || err == nil || !strings.Contains(err.Error(), "renewed its sign-in during the import") {
		t.Errorf("imported: %v, error %v, although the AWS CLI had renewed it", found, err)
	}
	r.ring.BeforePut = func(context.Context, keystore.Item) (keystore.Item, error) {
		return keystore.Item{}, errors.New("disk full")
	}
	if found, err := r.AWSLogin(r.login()).Import(t.Context(), r.alice()); !found || err == nil || !strings.Contains(err.Error(), "disk full") {
		t.Errorf("imported: %v, error %v, although the keystore was full", found, err)
	}
	// An import replaces a damaged sign-in.
	r.ring.BeforePut = nil
	name := string(plan.Login{Session: r.alice()}.TokenDigest())
	r.ring.Items[name] = keystore.Item{Name: name, Data: []byte("torn")}
	write(r.aws.Now())
	if err := os.Link(r.Logins.Path(r.alice()), filepath.Join(t.TempDir(), "second name")); err != nil {
		t.Fatal(err)
	}
	var noted []string
	notify := r.Notify
	r.Notify = func(m string) { noted = append(noted, m) }
	if found, err := r.AWSLogin(r.login()).Import(t.Context(), r.alice()); !found || err != nil {
		t.Fatalf("imported: %v, error %v", found, err)
	}
	r.Notify = notify
	if runtime.GOOS != "windows" && (len(noted) != 1 || !strings.Contains(noted[0], "hard links: 1)")) {
		t.Errorf("the notes about the file's second name are %q", noted)
	}
	if _, err := os.Stat(r.Logins.Path(r.alice())); err == nil {
		t.Error("the AWS CLI's file was not removed")
	}
	r.aws.Advance(12 * time.Minute)
	r.create(r.login())
	r.wantActions("refresh_token")
	if found, err := r.AWSLogin(r.login()).Import(t.Context(), r.alice()); found || err != nil {
		t.Errorf("imported: %v, error %v, although the AWS CLI has no sign-in", found, err)
	}
}

func TestLoginOverPlainHTTP(t *testing.T) {
	r := newLoginFixture(t)
	s := r.login()
	s.Endpoint.URL = "http://signin.example.com"
	var plain *awsapi.PlainHTTPError
	if _, err := r.AWSLogin(s).SignIn(t.Context(), "", false); !errors.As(err, &plain) {
		t.Errorf("got %v", err)
	}
}

func TestIdentity(t *testing.T) {
	token := func(claims string) string { return "e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + "." }
	if got, err := tokenSubject(token(`{"sub":"arn:aws:iam::123456789012:user/alice"}`)); err != nil || got != "arn:aws:iam::123456789012:user/alice" {
		t.Errorf("got %s, %v", got, err)
	}
	for _, text := range []string{"", "a.b", "a.!.c", token(`{}`), token(`{"sub":"alice"}`), token(`{"sub":"arn:\u001b[2J"}`), token(`nonsense`)} {
		if got, err := tokenSubject(text); err == nil {
			t.Errorf("the subject of %q is %s, want an error", text, got)
		}
	}
}

// stored returns alice's stored sign-in.
func (r loginFixture) stored() loginToken {
	r.Helper()
	k, _, err := r.Tokens.Find(r.Context(), string(plan.Login{Session: r.alice()}.TokenDigest()))
	t, ok := decode[loginToken](k)
	if err != nil || !ok {
		r.Fatalf("the sign-in is not stored: %v", err)
	}
	return t
}

// AWS renews a sign-in only in the region where it began, even if AWS_REGION or the profile has changed.
func TestLoginRenewalUsesOriginalRegion(t *testing.T) {
	r := newLoginFixture(t)
	r.signIn(false)
	elsewhere := r.login()
	elsewhere.Region, elsewhere.Endpoint.URL = "ap-southeast-2", "http://127.0.0.1:1"
	for range 2 {
		r.aws.Advance(12 * time.Minute)
		r.aws.Reset()
		r.create(elsewhere)
		r.wantActions("refresh_token")
	}
	if at := r.stored(); at.Region != "eu-west-1" || at.Endpoint.URL != r.aws.URL() {
		t.Errorf("the sign-in is renewed in %s at %s", at.Region, at.Endpoint.URL)
	}

	// The root certificates come from the current profile, not from the sign-in.
	elsewhere.Endpoint.CABundle = "/etc/roots.pem"
	if api := r.AWSLogin(elsewhere).atOrigin(r.stored()).api(); api.Target.Region != "eu-west-1" || api.Target.Endpoint.CABundle != "/etc/roots.pem" {
		t.Errorf("the sign-in is renewed at %+v", api.Target)
	}
	// A token that an earlier version stored has no region. It is renewed in the region of the current profile.
	if api := r.AWSLogin(elsewhere).atOrigin(loginToken{}).api(); api.Target.Region != "ap-southeast-2" {
		t.Errorf("the sign-in is renewed at %+v", api.Target)
	}
}

// The AWS CLI's sign-in may have begun in a region that is not the profile's region. The sign-in is then renewed in the
// region that the AWS CLI's cache contains. If the cache contains no region, the profile's region is used.
func TestImportedLoginRenewalUsesOriginalRegion(t *testing.T) {
	for field, want := range map[string]string{`"signInRegion":"us-east-2",`: "us-east-2", "": "eu-west-1"} {
		r := newLoginFixture(t)
		r.signIn(false)
		ours := r.stored()
		text := `{"accessToken":{"accessKeyId":"A","secretAccessKey":"S","sessionToken":"T","expiresAt":"2030-01-02T12:00:00Z"},"clientId":"` + ours.Client + `",` + field +
			`"refreshToken":"` + ours.Refresh + `","dpopKey":"` + strings.ReplaceAll(ours.Key, "\n", `\n`) + `"}`
		if err := os.WriteFile(r.Logins.Path(r.alice()), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if found, err := r.AWSLogin(r.login()).Import(t.Context(), r.alice()); !found || err != nil {
			t.Fatalf("imported: %v, error %v", found, err)
		}
		if at := r.stored(); at.Region != want {
			t.Errorf("with %q the sign-in is renewed in %s, want %s", field, at.Region, want)
		}
		r.create(r.login())
	}
}

// If the time in a DPoP proof is wrong by half a minute, AWS refuses the proof. AWS returns the same error if the
// sign-in has ended. So aws-vault measures AWS's time before it creates the first proof.
func TestLoginUsesAWSClock(t *testing.T) {
	for _, wrong := range []time.Duration{30 * time.Second, -30 * time.Second, 3 * time.Minute, -20 * time.Minute} {
		r := newLoginFixture(t)
		r.AWS.Clock.Local = func() time.Time { return r.aws.Now().Add(wrong) }
		r.signIn(false)
		r.aws.Advance(12 * time.Minute)
		r.create(r.login())
		r.wantActions("LoginPage", "authorization_code", "refresh_token")
	}
}

// If the local clock changes after AWS's time was measured, AWS refuses the next DPoP proof. The response contains
// AWS's time, so the proof after that is correct.
func TestLoginAfterTheClockWasChanged(t *testing.T) {
	for _, wrong := range []time.Duration{30 * time.Second, -30 * time.Second, 3 * time.Minute, 20 * time.Minute} {
		r := newLoginFixture(t)
		r.signIn(false)
		r.aws.Advance(12 * time.Minute)
		r.aws.Reset()
		right := r.AWS.Clock.Local
		r.AWS.Clock.Local = func() time.Time { return right().Add(wrong) }
		r.create(r.login())
		r.wantActions("refresh_token AccessDeniedException", "refresh_token")
		if said := "this computer's clock is " + wrong.Abs().String(); len(r.notes) != 1 || !strings.HasPrefix(r.notes[0], said) {
			t.Errorf("notes %q, want %s", r.notes, said)
		}
	}
}

// If the local clock is right and the sign-in has ended, the renewal is not tried again.
func TestLoginEnded(t *testing.T) {
	r := newLoginFixture(t)
	r.signIn(false)
	r.aws.Advance(13 * time.Hour)
	r.aws.Reset()
	failAs[*LoginRequiredError](r.fixture, r.login())
	r.wantActions("refresh_token AccessDeniedException")
	r.wantNotes()
}
