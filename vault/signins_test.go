package vault_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"aws-vault/internal/fakeaws"
	"aws-vault/internal/testvault"
	"aws-vault/vault/disk"
	"aws-vault/vault/keystore/keystoretest"
	"aws-vault/vault/plan"
	"aws-vault/vault/source"
	"aws-vault/vault/store"
)

const (
	portalURL = "https://corp.awsapps.com/start"
	dev       = "[profile dev]\nsso_start_url = " + portalURL + "\nsso_region = eu-west-1\nsso_account_id = 123456789012\nsso_role_name = Dev\n"
	onDev     = "[profile top]\nsource_profile = dev\n" + ops
)

// newPortal adds an Identity Center portal and a user who approves each sign-in.
func newPortal(w *testvault.World, t *testing.T) *fakeaws.SSO {
	t.Helper()
	addBob(w)
	useTokenStore(w, t)
	w.Source.Cache = &store.SSOCache{Dir: t.TempDir(), Digests: disk.NewFolder(t.TempDir())}
	w.AWS.SetClock(func() time.Time { return time.Now().Add(w.ClockOffset) })
	p := w.AWS.AddSSO(portalURL, "eu-west-1")
	p.AutoApprove(true)
	p.Assign("123456789012", "Dev")
	return p
}

// useTokenStore stores tokens in a new ring and returns the ring.
func useTokenStore(w *testvault.World, t *testing.T) *keystoretest.Ring {
	t.Helper()
	r := keystoretest.New()
	w.SignInIndex = t.TempDir()
	index := &store.Index{Dir: disk.NewFolder(w.SignInIndex), Locks: w.Sessions.Locks}
	w.Source.Tokens = &store.Tokens{Ring: r, Locks: w.Sessions.Locks, Index: index, Now: w.Sessions.Now}
	w.Source.User = source.User{UseDevice: true, Show: func(string) { w.Prompts++ }}
	return r
}

// actionsOf creates the credentials of a profile and returns the AWS actions that were called.
func actionsOf(w *testvault.World, t *testing.T, profile string) (actions string) {
	t.Helper()
	if _, err := w.Create(t, profile, plan.Options{}); err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, call := range w.Calls() {
		action, _, _ := strings.Cut(call, " ")
		all = append(all, action)
	}
	return strings.Join(all, " ")
}

func signOut(w *testvault.World, t *testing.T) {
	t.Helper()
	for name, e := range w.Source.Tokens.Index.Entries() {
		if e.Kind != source.KindSSOToken {
			continue
		}
		if _, _, err := w.Source.Tokens.Remove(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
}

// forgetSessions removes all cached sessions.
func forgetSessions(w *testvault.World) {
	for name := range w.SessionRing.Items {
		delete(w.SessionRing.Items, name)
	}
}

const signsIn = "StartDeviceAuthorization CreateToken"

// A session that was created with one user's sign-in to a portal is not used after another user has signed in.
func TestSSOSignInOfAnotherUser(t *testing.T) {
	w := testvault.New(t, dev+onDev)
	portal := newPortal(w, t)
	for _, step := range []struct {
		what, profile string
		before        func()
		want          string
	}{
		{"first", "top", nil, "RegisterClient " + signsIn + " GetRoleCredentials AssumeRole"},
		{"again", "top", nil, ""},
		{"source profile", "dev", nil, ""},
		{"another user", "top", func() { signOut(w, t) }, signsIn + " GetRoleCredentials AssumeRole"},
		{"again", "top", nil, ""},
		{"ended at AWS, cached sessions remain", "top", func() { portal.Revoke("") }, ""},
		{"ended at AWS, another user, sessions about to expire", "top", func() { w.ClockOffset = 59*time.Minute + 30*time.Second }, "GetRoleCredentials CreateToken " + signsIn + " GetRoleCredentials AssumeRole"},
		{"again", "dev", nil, ""},
		{"renewed", "dev", func() { w.ClockOffset += 8*time.Hour - 2*time.Minute }, "CreateToken GetRoleCredentials"},
		{"again", "dev", func() { w.ClockOffset += time.Minute }, ""},
	} {
		if step.before != nil {
			step.before()
		}
		if got := actionsOf(w, t, step.profile); got != step.want {
			t.Errorf("%s: called %q, want %q", step.what, got, step.want)
		}
	}
	if w.Prompts != 3 {
		t.Errorf("%d sign-ins, want 3", w.Prompts)
	}
}

// A renewed token belongs to the same sign-in, so the sessions of this sign-in stay valid.
func TestSSORenewalKeepsSignInID(t *testing.T) {
	w := testvault.New(t, dev)
	newPortal(w, t)
	signIn := func() string {
		t.Helper()
		actionsOf(w, t, "dev")
		pl, err := w.Plan(t.Context(), "dev", plan.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return pl.Steps[0].Spec.(plan.SSORole).SignIn
	}
	first := signIn()
	for range 3 {
		w.ClockOffset += 8*time.Hour - 2*time.Minute
		if now := signIn(); now != first || first == "" {
			t.Errorf("the sign-in ID is %q after a renewal, want %q", now, first)
		}
	}
	if w.Prompts != 1 {
		t.Errorf("%d sign-ins, want 1", w.Prompts)
	}
}

// TestSSOSignInOfAnotherUserManyRoles runs twenty commands at the same time after the sign-in has ended. Only one
// sign-in page must open, and all commands must succeed.
func TestSSOSignInOfAnotherUserManyRoles(t *testing.T) {
	w := testvault.New(t, dev+onDev)
	portal := newPortal(w, t)
	actionsOf(w, t, "top")
	portal.Revoke("")
	w.ClockOffset, w.Prompts = 59*time.Minute+30*time.Second, 0
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := w.Create(t, "top", plan.Options{}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	calls := strings.Join(w.Calls(), "\n")
	if w.Prompts != 1 || strings.Count(calls, "GetRoleCredentials") != 2 || strings.Count(calls, "AssumeRole") != 1 {
		t.Errorf("%d sign-ins, calls\n%s\nwant one sign-in, and one new session for each step after the refusal", w.Prompts, calls)
	}
}

// TestCachedSessionReadsNoToken checks when the sign-in token is opened although a session is cached. The token
// must be opened only if it was written after its entry in the index.
func TestCachedSessionReadsNoToken(t *testing.T) {
	w := testvault.New(t, dev)
	newPortal(w, t)
	tokens := w.Source.Tokens.Ring.(*keystoretest.Ring)
	opened := func() int {
		t.Helper()
		tokens.Calls["Item"] = 0
		if got := actionsOf(w, t, "dev"); got != "" {
			t.Errorf("called %q, want no call", got)
		}
		return tokens.Calls["Item"]
	}
	actionsOf(w, t, "dev")
	if first, then := opened(), opened(); first != 0 || then != 0 {
		t.Errorf("%d tokens were opened, then %d; want none, because the sign-in added its stamp to the index", first, then)
	}
	// Simulate a sign-in on another machine that shares the keystore. The index of this machine is then out of
	// date.
	index := filepath.Join(w.SignInIndex, "sessions")
	text, err := os.ReadFile(index)
	if err != nil {
		t.Fatal(err)
	}
	signOut(w, t)
	actionsOf(w, t, "dev")
	if err := os.WriteFile(index, text, 0o600); err != nil {
		t.Fatal(err)
	}
	first, err := w.Plan(t.Context(), "dev", plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, cached := w.CachedSessions(first)[0]; !cached {
		t.Error("the current sign-in's session was not found with an outdated index")
	}
	// The token is also opened if the keystore cannot report the time of the last write.
	for name := range tokens.Writes {
		tokens.Writes[name] = 0
	}
	if n := opened(); n != 1 {
		t.Errorf("%d tokens were opened in a keystore without write times, want 1", n)
	}
}

// The user is prompted once even if the sign-in cannot be stored.
func TestSSOTokenCannotBeStored(t *testing.T) {
	w := testvault.New(t, dev+onDev)
	newPortal(w, t)
	w.Source.Tokens.Ring.(*keystoretest.Ring).Errors["Put"] = testvault.ErrNoUser
	if got, want := actionsOf(w, t, "top"), "RegisterClient "+signsIn+" GetRoleCredentials AssumeRole"; got != want || w.Prompts != 1 {
		t.Errorf("called %q with %d prompts, want %q with 1", got, w.Prompts, want)
	}
}

// TestSSOOfTheAWSCLI checks that the AWS CLI's token is used but never renewed. Each new token of the AWS CLI
// counts as a new sign-in.
func TestSSOOfTheAWSCLI(t *testing.T) {
	w := testvault.New(t, dev)
	newPortal(w, t)
	var tokens []string
	for range 2 {
		token, err := w.Source.SSO(plan.Endpoint{URL: w.AWS.URL()}, plan.SSO{StartURL: portalURL, Region: "eu-west-1", OIDC: plan.Endpoint{URL: w.AWS.URL()}}).SignIn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		tokens = append(tokens, token.AccessToken)
		signOut(w, t)
	}
	w.Calls()
	theirs := func(token string) {
		text := fmt.Sprintf(`{"startUrl":%q,"region":"eu-west-1","accessToken":%q,"expiresAt":%q,"refreshToken":"theirs"}`, portalURL, token, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
		if err := os.WriteFile(w.Source.Cache.Path(portalURL), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []string{"GetRoleCredentials", "", "GetRoleCredentials"} {
		theirs(tokens[i/2])
		if got := actionsOf(w, t, "dev"); got != want {
			t.Errorf("run %d called %q, want %q", i+1, got, want)
		}
		if pl, err := w.Plan(t.Context(), "dev", plan.Options{}); err != nil || len(w.CachedSessions(pl)) != 1 {
			t.Errorf("run %d: the session of the AWS CLI's sign-in is not reported as cached: %v", i+1, err)
		}
	}
	if w.Prompts != 2 {
		t.Errorf("%d sign-ins, want only those of the test", w.Prompts)
	}
}

// TestFilesOfTheAWSCLI checks which files with a token are used. As in the SDKs, the start URL and the region may
// be missing.
func TestFilesOfTheAWSCLI(t *testing.T) {
	for fields, used := range map[string]bool{
		`"region":"eu-west-1","startUrl":"` + portalURL + `"`: true,
		`"startUrl":"` + portalURL + `"`:                      true,
		`"startUrl":"` + portalURL + `/#/","region":""`:       true,
		`"region":"eu-west-1"`:                                true,
		`"region":null`:                                       true,
		`"region":"us-east-1","startUrl":"` + portalURL + `"`: false,
		`"startUrl":"https://other.awsapps.com/start"`:        false,
	} {
		w := testvault.New(t, dev)
		newPortal(w, t)
		to := plan.SSO{StartURL: portalURL, Region: "eu-west-1", OIDC: plan.Endpoint{URL: w.AWS.URL()}}
		token, err := w.Source.SSO(plan.Endpoint{URL: w.AWS.URL()}, to).SignIn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		signOut(w, t)
		text := fmt.Sprintf(`{"accessToken":%q,"expiresAt":%q,%s}`, token.AccessToken, time.Now().Add(time.Hour).UTC().Format(time.RFC3339), fields)
		if err := os.WriteFile(w.Source.Cache.Path(portalURL), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		w.Calls()
		if got := actionsOf(w, t, "dev"); (got == "GetRoleCredentials") != used {
			t.Errorf("with a file with %s, called %q, want the file to be used: %t", fields, got, used)
		}
	}
}

// A session that was created with an aws login sign-in is not used after the next sign-in.
func TestLoginOfAnotherUser(t *testing.T) {
	const alice = "arn:aws:iam::123456789012:user/alice"
	w := testvault.New(t, "[profile l]\nlogin_session = "+alice+"\n[profile top]\nsource_profile = l\n"+ops)
	addBob(w)
	tokens := useTokenStore(w, t)
	w.AWS.SetClock(func() time.Time { return time.Now().Add(w.ClockOffset) })
	w.AWS.SetLogin(alice, true)
	w.Source.User = source.User{Show: func(string) { w.Prompts++ }, OpenBrowser: func(page string) error {
		go func() {
			if resp, err := http.Get(page); err == nil {
				resp.Body.Close()
			}
		}()
		return nil
	}}
	step := plan.Step{Kind: plan.KindLogin, Region: "eu-west-1", Endpoint: plan.Endpoint{URL: w.AWS.URL()}, Spec: plan.Login{Session: alice}}
	signIn := func() {
		t.Helper()
		if _, err := w.Source.AWSLogin(step).SignIn(t.Context(), alice, false); err != nil {
			t.Fatal(err)
		}
		w.Calls()
	}
	var required *source.LoginRequiredError
	if _, err := w.Create(t, "top", plan.Options{}); !errors.As(err, &required) {
		t.Fatalf("error %v, want a LoginRequiredError", err)
	}
	signIn()
	got := []string{actionsOf(w, t, "top"), actionsOf(w, t, "top")}
	w.ClockOffset = 12 * time.Minute // the sign-in is renewed, and the role's session stays valid
	got = append(got, actionsOf(w, t, "l"), actionsOf(w, t, "top"))
	tokens.Calls["Item"] = 0
	got = append(got, actionsOf(w, t, "top"))
	if tokens.Calls["Item"] != 0 {
		t.Errorf("%d tokens were opened for a cached role", tokens.Calls["Item"])
	}
	signIn()
	got = append(got, actionsOf(w, t, "top"))
	if want := []string{"AssumeRole", "", "CreateOAuth2Token", "", "", "AssumeRole"}; !slices.Equal(got, want) {
		t.Errorf("called %q, want %q", got, want)
	}
	// If the user signs in again between planning and the call, the role's session belongs to the new sign-in.
	pl, err := w.Plan(t.Context(), "top", plan.Options{SessionName: "aws-vault-alice"})
	if err != nil {
		t.Fatal(err)
	}
	forgetSessions(w)
	signIn()
	if _, err := w.Credentials(t.Context(), pl, plan.Options{}, time.Minute); err != nil {
		t.Fatal(err)
	}
	w.Calls()
	if again := actionsOf(w, t, "top"); again != "" {
		t.Errorf("called %q, want the current sign-in's cached session", again)
	}
}
