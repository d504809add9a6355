package vault_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/internal/fakeaws"
	"aws-vault/internal/testvault"
	"aws-vault/vault"
	"aws-vault/vault/awsapi"
	"aws-vault/vault/plan"
	"aws-vault/vault/profile"
	"aws-vault/vault/source"
	"aws-vault/vault/store"
)

// ops is the setting for a role that trusts alice and bob.
const ops = "role_arn = arn:aws:iam::123456789012:role/ops\n"

// addBob adds the user bob and the role ops. It returns the access keys of alice and bob by name.
func addBob(w *testvault.World) map[string]fakeaws.Key {
	w.AWS.AddRole("arn:aws:iam::123456789012:role/ops", fakeaws.Role{Trusts: []string{"*"}})
	return map[string]fakeaws.Key{"alice": w.Key, "bob": w.AWS.AddUser("123456789012", "bob").AddKey()}
}

// callersOf calls the function become with each of the names, and creates the credentials of the profile after
// each call. It returns the identities that called AWS.
func callersOf(w *testvault.World, t *testing.T, profile string, become func(user string), names ...string) (callers []string) {
	t.Helper()
	for _, user := range names {
		become(user)
		if _, err := w.Create(t, profile, plan.Options{}); err != nil {
			t.Fatalf("as %s: %v", user, err)
		}
		for _, call := range w.Calls() {
			callers = append(callers, call[strings.LastIndex(call, "by=")+len("by="):])
		}
	}
	return callers
}

// A metadataServer is the credential endpoint of a container or an EC2 instance. It returns one key and counts
// the responses.
type metadataServer struct {
	*httptest.Server
	key     fakeaws.Key
	answers int
}

func newMetadataServer(t *testing.T) *metadataServer {
	e := &metadataServer{}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch path := strings.TrimPrefix(r.URL.Path, "/latest/meta-data/iam/security-credentials/"); path {
		case "/latest/api/token":
			fmt.Fprint(w, "EXAMPLE-IMDS-TOKEN")
		case "":
			fmt.Fprint(w, "app")
		default:
			e.answers++
			json.NewEncoder(w).Encode(map[string]string{"AccessKeyId": e.key.ID, "SecretAccessKey": e.key.Secret})
		}
	}))
	t.Cleanup(e.Close)
	return e
}

// TestMetadataServerOfAnotherIdentity checks that the cached session depends on the identity that the endpoint
// returns, and on the endpoint's address.
func TestMetadataServerOfAnotherIdentity(t *testing.T) {
	for source, variable := range map[string]string{"EcsContainer": "AWS_CONTAINER_CREDENTIALS_FULL_URI", "Ec2InstanceMetadata": "AWS_EC2_METADATA_SERVICE_ENDPOINT"} {
		t.Run(source, func(t *testing.T) {
			w := testvault.New(t, "[profile c]\ncredential_source = "+source+"\n"+ops)
			keys, e := addBob(w), newMetadataServer(t)
			w.Env[variable] = e.URL
			become := func(user string) { e.key = keys[user] }
			if got, want := callersOf(w, t, "c", become, "alice", "alice", "bob", "bob", "alice"), []string{"user/alice", "user/bob"}; !slices.Equal(got, want) {
				t.Errorf("called as %q, want %q", got, want)
			}
			if e.answers != 5 {
				t.Errorf("%d responses, want one for each run", e.answers)
			}
			// An endpoint that knows alice's access key ID but not her secret key must not get her session.
			e.key = fakeaws.Key{ID: keys["alice"].ID, Secret: "EXAMPLEKEYEXAMPLEKEYEXAMPLEKEYEXAMPLEKEY"}
			if _, err := w.Create(t, "c", plan.Options{}); err == nil {
				t.Error("a caller with only the access key ID got the owner's session")
			}
			w.Calls()
			other := newMetadataServer(t)
			other.key, w.Env[variable] = keys["alice"], other.URL
			if got := callersOf(w, t, "c", func(string) {}, "alice"); len(got) != 1 {
				t.Errorf("%d calls for another endpoint, want one", len(got))
			}
			// If the endpoint does not respond, no cached session is used, because it may belong to another
			// identity.
			other.Close()
			if _, err := w.Create(t, "c", plan.Options{}); err == nil {
				t.Error("a session of an unknown identity was used")
			}
		})
	}
}

// TestUnattendedProcessWithMFA checks that a role session is cached if it was created with a program's credentials.
// A server then uses the session without a prompt.
func TestUnattendedProcessWithMFA(t *testing.T) {
	d := newUnattendedFixture(t, "")
	d.Config, _ = profile.Parse("config", []byte("[profile m]\ncredential_process = lasting\n"+testvault.MFA+testvault.Hub))
	if err := d.Keys.Remove(t.Context(), "m"); err != nil {
		t.Fatal(err)
	}
	d.Env["lasting"] = process(t, map[string]any{"AccessKeyId": d.Key.ID, "SecretAccessKey": d.Key.Secret})
	wantLoginRequired(t, d.request(t, serveNeed), true)
	<-d.questions
	d.answers <- nil
	d.unattended.Wait()
	if err := d.request(t, serveNeed); err != nil {
		t.Fatal(err)
	}
	if got := d.Calls(); len(got) != 1 || len(d.questions) > 0 {
		t.Errorf("calls %q and %d more prompts, want one call", got, len(d.questions))
	}
}

// TestUnattendedMetadataServerOfAnotherIdentity checks that a server never reuses a session of another identity.
// Before each use of a session, the server must find out which identity the container's endpoint returns.
func TestUnattendedMetadataServerOfAnotherIdentity(t *testing.T) {
	w := testvault.New(t, "[profile c]\ncredential_source = EcsContainer\n"+ops)
	keys, e := addBob(w), newMetadataServer(t)
	w.Env["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = e.URL
	server := &vault.Unattended{Vault: w.Vault, PromptContext: t.Context()}
	o := plan.Options{Purpose: plan.Serve, SessionName: "aws-vault-alice"}
	var callers []string
	for _, user := range []string{"alice", "alice", "bob"} {
		e.key = keys[user]
		pl, err := w.Plan(t.Context(), "c", o)
		if err != nil {
			t.Fatal(err)
		}
		if len(w.CachedSessions(pl)) != 0 {
			t.Error("CachedSessions returns a session, though its identity is unknown")
		}
		if _, err := server.Credentials(t.Context(), pl, o, serveNeed); err != nil {
			t.Fatal(err)
		}
		callers = append(callers, w.Calls()...)
	}
	if len(callers) != 2 || e.answers != 3 {
		t.Errorf("calls %q and %d responses, want one call per caller and one response per run", callers, e.answers)
	}
}

// TestOtherIdentityDoesNotReuseOlderSession checks the case that another user signs in while a session is renewed.
// The first user's session is then not used, even if it is still valid.
func TestOtherIdentityDoesNotReuseOlderSession(t *testing.T) {
	w := testvault.New(t, "")
	ask := store.Request{Name: strings.Repeat("a", 32), MinLeft: time.Minute, Question: "a question", Create: func(context.Context) (store.Created, error) {
		return store.Created{Credentials: aws.Credentials{AccessKeyID: "ASIAIOSFODNN7EXAMPLE", SecretAccessKey: "EXAMPLE", CanExpire: true, Expires: time.Now().Add(time.Hour)}}, nil
	}}
	if _, _, err := w.Sessions.Get(t.Context(), ask); err != nil {
		t.Fatal(err)
	}
	w.ClockOffset = 50 * time.Minute
	ask.MinLeft = 20 * time.Minute
	ask.Create = func(context.Context) (store.Created, error) {
		return store.Created{}, fmt.Errorf("bob signed in: %w", store.ErrWrongIdentity)
	}
	if s, _, err := w.Sessions.Get(t.Context(), ask); !errors.Is(err, store.ErrWrongIdentity) || s.Credentials.AccessKeyID != "" {
		t.Errorf("got %q and %v, want no session", s.Credentials.AccessKeyID, err)
	}
}

// TestProcessOfAnotherIdentity checks how a program's output is cached. The output may depend on the environment
// and on the profile, so each environment and profile has its own cached output. A role session depends on the
// credentials that it was created with.
func TestProcessOfAnotherIdentity(t *testing.T) {
	w := testvault.New(t, "[profile p]\ncredential_process = keys\n[profile q]\ncredential_process = keys\n[profile r]\nsource_profile = p\n"+ops)
	keys := addBob(w)
	sessions := map[string]aws.Credentials{}
	for name, key := range keys {
		if err := w.Keys.Put(t.Context(), name, aws.Credentials{AccessKeyID: key.ID, SecretAccessKey: key.Secret}); err != nil {
			t.Fatal(err)
		}
	}
	user, ran, lasting := "alice", 0, false
	w.Source.Environ = func() []string { return []string{"WHO=" + user, "HOME=/home/us"} }
	w.Source.Run = func(_ context.Context, c source.Command) ([]byte, error) {
		ran++
		as := user
		if c.Profile == "q" {
			as = "bob"
		}
		if lasting {
			return []byte(process(t, map[string]any{"AccessKeyId": keys[as].ID, "SecretAccessKey": keys[as].Secret})), nil
		}
		s := sessions[as]
		return []byte(process(t, map[string]any{
			"AccessKeyId": s.AccessKeyID, "SecretAccessKey": s.SecretAccessKey, "SessionToken": s.SessionToken, "Expiration": s.Expires.Format(time.RFC3339),
		})), nil
	}
	for name := range keys {
		var err error
		if sessions[name], err = w.Create(t, name, plan.Options{}); err != nil {
			t.Fatal(err)
		}
	}
	w.Calls()
	credentialsFor := func(profile, as string) string {
		t.Helper()
		user = as
		c, err := w.Create(t, profile, plan.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for name, s := range sessions {
			if s.AccessKeyID == c.AccessKeyID {
				return name
			}
		}
		return c.AccessKeyID
	}
	for _, use := range []struct{ profile, as, want string }{
		{"p", "alice", "alice"}, {"p", "bob", "bob"}, {"p", "alice", "alice"}, // alice and bob have different environments
		{"q", "alice", "bob"}, // profile q runs the same command, but does not share p's cached output
	} {
		if got := credentialsFor(use.profile, use.as); got != use.want {
			t.Errorf("%s as %s got the credentials of %s, want those of %s", use.profile, use.as, got, use.want)
		}
	}
	if ran != 3 {
		t.Errorf("the program ran %d times, want once for each profile and environment", ran)
	}
	become := func(as string) { user = as }
	if got, want := callersOf(w, t, "r", become, "alice", "bob", "alice"), []string{"session/alice", "session/bob"}; !slices.Equal(got, want) {
		t.Errorf("called as %q, want %q", got, want)
	}
	if ran != 3 {
		t.Errorf("the program ran %d times, want 0 for a role on top of a cached session", ran)
	}

	// Credentials without an expiry are not cached, so the program runs each time.
	lasting = true
	w.Source.Environ = nil
	forgetSessions(w)
	if got, want := callersOf(w, t, "r", become, "alice", "bob", "alice", "alice"), []string{"user/alice", "user/bob"}; !slices.Equal(got, want) {
		t.Errorf("called as %q, want %q", got, want)
	}
	if ran != 7 {
		t.Errorf("the program ran %d more times, want 4", ran)
	}
}

// TestProcessRunsAgain checks that a program runs again if AWS no longer accepts the session that the program printed.
// The next role session depends on the program's new output.
func TestProcessRunsAgain(t *testing.T) {
	w := testvault.New(t, "[profile p]\ncredential_process = keys\n[profile r]\nsource_profile = p\n"+ops)
	addBob(w)
	w.StoreKey(t, "alice")
	ran := 0
	w.Source.Run = func(context.Context, source.Command) ([]byte, error) {
		ran++
		for name := range w.SessionRing.Items { // remove the cached session, so that the program prints a new one
			if e := w.Sessions.Index.Entries()[name]; e.Kind == string(plan.KindSessionToken) {
				delete(w.SessionRing.Items, name)
			}
		}
		s, err := w.Create(t, "alice", plan.Options{})
		return []byte(process(t, map[string]any{
			"AccessKeyId": s.AccessKeyID, "SecretAccessKey": s.SecretAccessKey, "SessionToken": s.SessionToken, "Expiration": s.Expires.Format(time.RFC3339),
		})), err
	}
	if _, err := w.Create(t, "p", plan.Options{}); err != nil {
		t.Fatal(err)
	}
	w.AWS.ExpireSessions()
	w.Calls()
	if got, want := actionsOf(w, t, "r"), "AssumeRole GetSessionToken AssumeRole"; got != want {
		t.Errorf("called %q, want %q", got, want)
	}
	if got := actionsOf(w, t, "r"); got != "" {
		t.Errorf("called %q, want the cached session for the program's last credentials", got)
	}
	if ran != 2 {
		t.Errorf("the program ran %d times, want once more because the session had ended", ran)
	}
}

// TestTokenProcessOfAnotherIdentity checks that a token program runs once for each request. The session depends on
// the subject and the session tags of the token that the program prints.
func TestTokenProcessOfAnotherIdentity(t *testing.T) {
	w := testvault.New(t, "[profile w]\nweb_identity_token_process = token\nrole_arn = arn:aws:iam::123456789012:role/web\n[profile r]\nsource_profile = w\n"+ops)
	issuer, err := w.AWS.AddIssuer("123456789012", "corp", "sts.amazonaws.com")
	if err != nil {
		t.Fatal(err)
	}
	addBob(w)
	w.AWS.AddRole("arn:aws:iam::123456789012:role/web", fakeaws.Role{Trusts: []string{issuer.ARN()}})
	user, ran := "", 0
	w.Source.Run = func(context.Context, source.Command) ([]byte, error) {
		ran++
		sub, team, _ := strings.Cut(user, "/")
		claims := map[string]any{"jti": time.Now().String()}
		if team != "" {
			claims["https://aws.amazon.com/tags"] = map[string]any{"principal_tags": map[string]any{"Team": []string{team}}}
		}
		token, err := issuer.Token(sub, claims)
		return []byte(token), err
	}
	exchanges := func(profile string, names ...string) (n int) {
		t.Helper()
		for _, user = range names {
			if _, err := w.Create(t, profile, plan.Options{}); err != nil {
				t.Fatalf("as %s: %v", user, err)
			}
		}
		for _, call := range w.Calls() {
			if strings.HasPrefix(call, "AssumeRoleWithWebIdentity") {
				n++
			}
		}
		return n
	}
	if n := exchanges("w", "alice", "alice", "bob", "bob/red", "bob/blue", "alice"); n != 4 || ran != 6 {
		t.Errorf("%d exchanges after %d runs, want one exchange per subject and tags, and one run per command", n, ran)
	}
	if n := exchanges("r", "alice", "carol", "alice"); n != 1 || ran != 9 {
		t.Errorf("%d exchanges after %d runs, want one for carol", n, ran)
	}
	server := &vault.Unattended{Vault: w.Vault, PromptContext: t.Context()}
	o := plan.Options{Purpose: plan.Serve, SessionName: "aws-vault-alice"}
	for _, user = range []string{"alice", "dave"} {
		pl, err := w.Plan(t.Context(), "w", o)
		if err != nil {
			t.Fatal(err)
		}
		if len(w.CachedSessions(pl)) != 0 {
			t.Error("CachedSessions returns a session, though its identity is unknown")
		}
		if _, err := server.Credentials(t.Context(), pl, o, serveNeed); err != nil {
			t.Fatal(err)
		}
	}
	if got := w.Calls(); len(got) != 1 || ran != 11 {
		t.Errorf("calls %q after %d runs, want one call for dave and one run per command", got, ran)
	}
}

// TestTokenReplacedDuringExecution replaces alice's token with bob's token after the plan was made. The new session
// must then be cached for bob, so that alice does not get it.
func TestTokenReplacedDuringExecution(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	w := testvault.New(t, "[profile w]\nweb_identity_token_file = "+file+"\nrole_arn = arn:aws:iam::123456789012:role/web\n")
	issuer, err := w.AWS.AddIssuer("123456789012", "corp", "sts.amazonaws.com")
	if err != nil {
		t.Fatal(err)
	}
	w.AWS.AddRole("arn:aws:iam::123456789012:role/web", fakeaws.Role{Trusts: []string{issuer.ARN()}})
	become := func(user string) {
		token, err := issuer.Token(user, nil)
		if err == nil {
			err = os.WriteFile(file, []byte(token), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	become("alice")
	pl, err := w.Plan(t.Context(), "w", plan.Options{SessionName: "aws-vault-alice"})
	if err != nil {
		t.Fatal(err)
	}
	become("bob")
	bob, err := w.Credentials(t.Context(), pl, plan.Options{}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	become("alice")
	alice, err := w.Create(t, "w", plan.Options{})
	if err != nil || alice.AccessKeyID == bob.AccessKeyID {
		t.Errorf("alice got bob's session: %v", err)
	}
}

// TestLargeCertificateReplaced checks that two large certificate files with different contents never share a
// session.
func TestLargeCertificateReplaced(t *testing.T) {
	file := filepath.Join(t.TempDir(), "c.pem")
	w := testvault.New(t, "[profile p]\ntrust_anchor_arn = arn:aws:rolesanywhere:eu-west-1:123456789012:trust-anchor/EXAMPLE-1\n"+
		"rolesanywhere_profile_arn = arn:aws:rolesanywhere:eu-west-1:123456789012:profile/EXAMPLE-1\ncertificate = "+file+"\nprivate_key = k.pem\n"+ops)
	digests := map[plan.Digest]bool{}
	for _, user := range []string{"alice", "bob"} {
		if err := os.WriteFile(file, []byte(user+strings.Repeat("\n", 200<<10)), 0o600); err != nil {
			t.Fatal(err)
		}
		pl, err := w.Plan(t.Context(), "p", plan.Options{})
		if err != nil {
			t.Fatal(err)
		}
		digests[pl.Digest(0)] = true
	}
	if len(digests) != 2 {
		t.Error("two certificates share a session")
	}
}

// digestFields lists the environment variables that are read while a plan is made or carried out. The value names
// the part of the digest that depends on the variable. Variables for the settings of a profile are left out,
// because package profile tests them. Proxy and root certificate variables (HTTPS_PROXY, SSL_CERT_FILE) are left
// out, because they do not decide which identity is used.
var digestFields = map[string]string{
	"AWS_ACCESS_KEY_ID": "CredentialSource.Fingerprint", "AWS_SECRET_ACCESS_KEY": "CredentialSource.Fingerprint", "AWS_SESSION_TOKEN": "CredentialSource.Fingerprint",
	"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "CredentialSource.Endpoint", "AWS_CONTAINER_CREDENTIALS_FULL_URI": "CredentialSource.Endpoint",
	"AWS_CONTAINER_AUTHORIZATION_TOKEN": "Step.CallerFingerprint", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "Step.CallerFingerprint",
	"AWS_EC2_METADATA_DISABLED": "Step.CallerFingerprint",
}

// TestEnvironmentOfProcessChangesSession checks that digestFields lists exactly the AWS_ variables that the
// packages vault and source read.
func TestEnvironmentOfProcessChangesSession(t *testing.T) {
	variable := regexp.MustCompile(`"([A-Z0-9]+_[A-Z0-9_]+)"`)
	found := map[string]bool{}
	for _, dir := range []string{".", "source"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			for _, m := range variable.FindAllStringSubmatch(string(text), -1) {
				found[m[1]] = true
			}
		}
	}
	for name := range found {
		if digestFields[name] == "" && strings.HasPrefix(name, "AWS_") {
			t.Errorf("the variable %s is read but not listed in digestFields", name)
		}
	}
	for name := range digestFields {
		if !found[name] {
			t.Errorf("the variable %s is listed in digestFields but not read", name)
		}
	}
}

// A cached session may have been created while this computer's clock was wrong. A process that reads the session
// then knows the latest time that AWS's clock may show, without a call to AWS.
func TestCachedSessionTellsSkew(t *testing.T) {
	w := testvault.New(t, "[profile alice]\n")
	w.StoreKey(t, "alice")
	w.AWS.Fail(fakeaws.Fault{Skew: 20 * time.Minute, Times: -1})
	if _, err := w.Create(t, "alice", plan.Options{}); err != nil {
		t.Fatal(err)
	}
	w.Source.AWS.Clock = &awsapi.Clock{Local: w.Source.AWS.Clock.Local} // the clock of another process
	w.AWS.Reset()
	if _, err := w.Create(t, "alice", plan.Options{}); err != nil || len(w.Calls()) != 0 {
		t.Fatalf("called AWS %q, %v", w.Calls(), err)
	}
	clock := w.Source.AWS.Clock
	if latest := clock.Latest().Sub(clock.Local()); (latest-20*time.Minute).Abs() > time.Minute || clock.Skew() != 0 {
		t.Errorf("AWS's latest time is %s ahead, want 20m; the skew is %s, want 0", latest, clock.Skew())
	}
}
