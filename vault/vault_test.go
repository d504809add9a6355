package vault_test

import (
	"errors"
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
	"aws-vault/vault"
	"aws-vault/vault/configfile"
	"aws-vault/vault/disk"
	"aws-vault/vault/keystore/keystoretest"
	"aws-vault/vault/peer"
	"aws-vault/vault/plan"
	"aws-vault/vault/profile"
	"aws-vault/vault/source"
	"aws-vault/vault/store"
)

func TestCachedSessionReadsOneItem(t *testing.T) {
	w := testvault.New(t, twoRoles)
	w.StoreKey(t, "m")
	if _, err := w.Create(t, "r2", plan.Options{}); err != nil {
		t.Fatal(err)
	}
	w.Ring.Calls["Item"], w.SessionRing.Calls["Item"] = 0, 0
	if _, err := w.Create(t, "r2", plan.Options{}); err != nil {
		t.Fatal(err)
	}
	if w.Ring.Calls["Item"] != 0 || w.SessionRing.Calls["Item"] != 1 {
		t.Errorf("%d keys and %d sessions were opened, want only the last session", w.Ring.Calls["Item"], w.SessionRing.Calls["Item"])
	}
}

func TestUnknownProfile(t *testing.T) {
	w := testvault.New(t, "[profile prod]\n")
	w.StoreKey(t, "stored")
	for name, want := range map[string]string{"prd": "prod", "stred": "stored"} {
		_, err := w.Plan(t.Context(), name, plan.Options{})
		var unknown *plan.NoProfileError
		if !errors.As(err, &unknown) || !slices.Contains(unknown.Near, want) {
			t.Errorf("%s: %v, near %v", name, err, unknown)
		}
	}
}

// TestKeystoreError checks that an error of the keystore is returned. It must not be treated as an empty keystore.
func TestKeystoreError(t *testing.T) {
	w := testvault.New(t, "[profile p]\ncredential_process = c\n")
	w.Ring.Err = testvault.ErrNoUser
	if _, err := w.Plan(t.Context(), "p", plan.Options{}); !errors.Is(err, testvault.ErrNoUser) {
		t.Errorf("error %v, want the keystore's error", err)
	}
}

func TestFailedWriteIsWarning(t *testing.T) {
	w := testvault.New(t, "[profile m]\n")
	w.StoreKey(t, "m")
	w.SessionRing.Errors["Put"] = testvault.ErrNoUser
	creds, err := w.Create(t, "m", plan.Options{})
	if err != nil || creds.AccessKeyID == "" {
		t.Errorf("%v: a failed write lost the credentials", err)
	}
	if len(w.Warnings) != 1 || !errors.Is(w.Warnings[0], testvault.ErrNoUser) {
		t.Errorf("the warnings are %v", w.Warnings)
	}
}

func TestSessionIsUsedWhileAWSFails(t *testing.T) {
	w := testvault.New(t, "[profile m]\n[profile r]\n"+testvault.SourceM+testvault.Readonly)
	w.StoreKey(t, "m")
	before, err := w.Create(t, "r", plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w.ClockOffset = 58 * time.Minute // the session is valid for two more minutes
	w.AWS.SetClock(func() time.Time { return time.Now().Add(w.ClockOffset) })
	w.AWS.Fail(fakeaws.Fault{Action: "AssumeRole", Times: -1, Code: "AccessDenied", Status: 403})
	after, err := w.Create(t, "r", plan.Options{})
	var stale *store.StaleError
	if err != nil || after.AccessKeyID != before.AccessKeyID || len(w.Warnings) != 1 || !errors.As(w.Warnings[0], &stale) {
		t.Errorf("error %v, warnings %v, want the old session with a warning", err, w.Warnings)
	}
	w.ClockOffset = time.Hour
	if _, err := w.Create(t, "r", plan.Options{}); err == nil {
		t.Error("got an expired session")
	}
}

// TestShortSessionIsUsedInsteadOfPrompt requests a longer validity than the cached session has. If the session is
// valid for 10 more minutes, it is used without a prompt.
func TestShortSessionIsUsedInsteadOfPrompt(t *testing.T) {
	w := testvault.New(t, "[profile m]\n"+testvault.MFA+testvault.Hub)
	w.StoreKey(t, "m")
	pl, err := w.Plan(t.Context(), "m", plan.Options{SessionName: "aws-vault-alice"})
	if err != nil {
		t.Fatal(err)
	}
	ask := func(need time.Duration) {
		t.Helper()
		if _, err := w.Credentials(t.Context(), pl, plan.Options{}, need); err != nil {
			t.Fatal(err)
		}
	}
	ask(5 * time.Minute)
	w.ClockOffset = 50 * time.Minute
	w.AWS.SetClock(func() time.Time { return time.Now().Add(w.ClockOffset) })
	ask(16 * time.Minute)
	if w.Prompts != 1 {
		t.Errorf("%d prompts with 10 min left, want 1 in total", w.Prompts)
	}
	w.ClockOffset = 56 * time.Minute
	ask(16 * time.Minute)
	if w.Prompts != 2 {
		t.Errorf("%d prompts with 4 min left, want 2 in total", w.Prompts)
	}
}

// If the requested session is shorter than the cached session, a separate session is created.
func TestShorterDurationRequested(t *testing.T) {
	w := testvault.New(t, "[profile m]\n")
	w.StoreKey(t, "m")
	half := plan.Options{Duration: 30 * time.Minute}
	for _, o := range []plan.Options{{Duration: 8 * time.Hour}, half, half, {}} {
		creds, err := w.Create(t, "m", o)
		if err != nil {
			t.Fatal(err)
		}
		if left := time.Until(creds.Expires); o.Duration == half.Duration && left > 31*time.Minute {
			t.Errorf("%v left, want the requested 30 min", left)
		}
	}
	want := []string{"GetSessionToken duration=28800 by=user/alice", "GetSessionToken duration=1800 by=user/alice"}
	if got := w.Calls(); !slices.Equal(got, want) {
		t.Errorf("calls %q, want %q", got, want)
	}
}

// If a role requires a recent MFA code, the user is prompted again when the code is too old.
func TestMFAMaxAge(t *testing.T) {
	role := "[profile r]\n" + testvault.SourceM + testvault.MFA + testvault.Hub + "mfa_max_age = 30m\n"
	for name, tt := range map[string]struct{ config, times string }{
		"the session token presents the code": {"[profile m]\n" + testvault.MFA + role, "0 20m 56m"},
		"the role's call presents the code":   {"[profile m]\n" + role, "0 20m 31m"},
	} {
		w := testvault.New(t, tt.config)
		w.StoreKey(t, "m")
		for later := range strings.FieldsSeq(tt.times) {
			w.ClockOffset, _ = time.ParseDuration(later)
			w.AWS.SetClock(func() time.Time { return time.Now().Add(w.ClockOffset) })
			if _, err := w.Create(t, "r", plan.Options{}); err != nil {
				t.Fatal(err)
			}
		}
		if w.Prompts != 2 {
			t.Errorf("%s: %d prompts, want another one when the code is 30 min old", name, w.Prompts)
		}
	}
}

// TestExpiredInputSessionIsRecreated checks that a session is created again if AWS refuses to assume a role with
// it.
func TestExpiredInputSessionIsRecreated(t *testing.T) {
	w := testvault.New(t, twoRoles)
	w.StoreKey(t, "m")
	if _, err := w.Create(t, "r1", plan.Options{}); err != nil {
		t.Fatal(err)
	}
	w.AWS.ExpireSessions()
	w.AWS.Advance(30 * time.Second) // wait until the MFA device shows a new code
	w.AWS.Reset()
	if _, err := w.Create(t, "r2", plan.Options{}); err != nil {
		t.Fatal(err)
	}
	want := "AssumeRole prod duration=3600 refused=ExpiredToken"
	if got := w.Calls(); len(got) < 2 || got[0] != want || strings.Contains(got[len(got)-1], "refused") {
		t.Errorf("calls %q", got)
	}
}

func TestPolicyFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "policy.json")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w := testvault.New(t, "[profile m]\nsession_policy = file://"+file+"\n"+testvault.Readonly)
	w.StoreKey(t, "m")
	if _, err := w.Create(t, "m", plan.Options{}); err == nil || !strings.Contains(err.Error(), "config:2: ") {
		t.Errorf("error %v, want the setting's line", err)
	}
	write(`{ "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}] }`)
	if _, err := w.Create(t, "m", plan.Options{}); err != nil {
		t.Fatal(err)
	}
	write(`{ "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}] }`)
	if _, err := w.Create(t, "m", plan.Options{}); err != nil {
		t.Fatal(err)
	}
	if got := w.Calls(); len(got) != 2 || !strings.Contains(got[0], "policy=inline") {
		t.Errorf("calls %q, want one per policy text", got)
	}
	write(strings.Repeat(" ", 1<<20))
	if _, err := w.Create(t, "m", plan.Options{}); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("error %v, want the size limit", err)
	}
}

// A session that was created with one subject's token is not used with another subject's token.
func TestTokenFileOfAnotherIdentity(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	w := testvault.New(t, "[profile w]\nweb_identity_token_file = "+file+"\nrole_arn = arn:aws:iam::123456789012:role/web\n")
	issuer, err := w.AWS.AddIssuer("123456789012", "corp", "sts.amazonaws.com")
	if err != nil {
		t.Fatal(err)
	}
	w.AWS.AddRole("arn:aws:iam::123456789012:role/web", fakeaws.Role{Trusts: []string{issuer.ARN()}})
	for _, sub := range []string{"alice", "alice", "bob"} {
		token, err := issuer.Token(sub, map[string]any{"jti": time.Now().String()})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(token+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Create(t, "w", plan.Options{}); err != nil {
			t.Fatal(err)
		}
	}
	if got := w.Calls(); len(got) != 2 {
		t.Errorf("calls %q, want one per user", got)
	}
	if pl, err := w.Plan(t.Context(), "w", plan.Options{SessionName: "aws-vault-alice"}); err != nil || len(w.CachedSessions(pl)) != 1 {
		t.Errorf("CachedSessions does not find bob's session: %v", err)
	}
	if err := os.WriteFile(file, []byte("no token"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Create(t, "w", plan.Options{}); err == nil {
		t.Error("an invalid token got a session")
	}
}

// TestOpenIDSignInOfAnotherUser checks that the session depends on the user who is signed in. This also holds if
// the user becomes known only while the plan is carried out.
func TestOpenIDSignInOfAnotherUser(t *testing.T) {
	w := testvault.New(t, "")
	issuer, err := w.AWS.AddIssuer("123456789012", "corp", "aws-vault")
	if err != nil {
		t.Fatal(err)
	}
	w.AWS.AddRole("arn:aws:iam::123456789012:role/web", fakeaws.Role{Trusts: []string{issuer.ARN()}, SessionNameIsSubject: true})
	w.Config, err = profile.Parse("config", []byte("[profile o]\noidc_issuer = "+issuer.URL()+"\noidc_client_id = aws-vault\nrole_arn = arn:aws:iam::123456789012:role/web\n"))
	if err != nil {
		t.Fatal(err)
	}
	index := &store.Index{Dir: disk.NewFolder(t.TempDir()), Locks: w.Sessions.Locks}
	w.Source.Tokens = &store.Tokens{Ring: keystoretest.New(), Locks: w.Sessions.Locks, Index: index, Now: w.Sessions.Now}
	w.Source.User = source.User{Peers: peer.ThisUser(), Show: func(string) {}, OpenBrowser: func(page string) error {
		go func() {
			if resp, err := http.Get(page); err == nil {
				resp.Body.Close()
			}
		}()
		return nil
	}}
	sessions := func() (names []string) {
		for _, c := range w.AWS.Calls() {
			if c.Action == "AssumeRoleWithWebIdentity" {
				names = append(names, c.Params.Get("RoleSessionName"))
			}
		}
		w.AWS.Reset()
		return names
	}
	use := func() {
		t.Helper()
		if _, err := w.Create(t, "o", plan.Options{}); err != nil {
			t.Fatal(err)
		}
	}
	issuer.People(fakeaws.Login{Subject: "alice", Auto: true})
	use()
	use()
	if got := sessions(); !slices.Equal(got, []string{"alice"}) {
		t.Errorf("sessions %q, want one for alice", got)
	}
	pl, err := w.Plan(t.Context(), "o", plan.Options{})
	if err != nil || pl.Steps[0].Spec.(plan.OIDCRole).Subject != "alice" {
		t.Fatalf("the steps are %+v, error %v, want the subject alice", pl.Steps, err)
	}
	// Alice's sign-in ends during a command, and bob signs in.
	issuer.EndLogins()
	issuer.People(fakeaws.Login{Subject: "bob", Auto: true})
	w.AWS.Advance(2 * time.Hour)
	w.ClockOffset += 2 * time.Hour
	w.AWS.Reset()
	if _, err := w.Credentials(t.Context(), pl, plan.Options{}, time.Minute); err != nil {
		t.Fatal(err)
	}
	use()
	if got := sessions(); !slices.Equal(got, []string{"bob"}) {
		t.Errorf("sessions %q, want one for bob", got)
	}
	// An identity is refused if it is not valid in a session name. It may become known during planning, or only
	// while the plan is carried out.
	issuer.EndLogins()
	issuer.People(fakeaws.Login{Subject: "a|b", Auto: true})
	w.AWS.Advance(2 * time.Hour)
	w.ClockOffset += 2 * time.Hour
	var name *plan.SessionNameError
	if _, err := w.Credentials(t.Context(), pl, plan.Options{}, time.Minute); !errors.As(err, &name) {
		t.Errorf("got %v", err)
	}
	if _, err := w.Plan(t.Context(), "o", plan.Options{}); !errors.As(err, &name) {
		t.Errorf("got %v", err)
	}
}

func TestRecursion(t *testing.T) {
	for config, setting := range map[string]string{
		"[profile p]\ncredential_process = c\n":                                                                               "credential_process",
		"[profile p]\nweb_identity_token_process = c\nrole_arn = arn:aws:iam::123456789012:role/web\n":                        "web_identity_token_process",
		"[profile p]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = k\nmfa_process = c\n" + testvault.MFA: "mfa_process",
	} {
		w := testvault.New(t, config)
		w.Source.Callers = []string{"q", "p"}
		_, err := w.Create(t, "p", plan.Options{})
		var loop *source.RecursionError
		if !errors.As(err, &loop) || loop.Setting != setting || !slices.Equal(loop.Profiles, []string{"q", "p", "p"}) {
			t.Errorf("%s: %v", setting, err)
		}
	}
}

func TestEnvironmentSource(t *testing.T) {
	w := testvault.New(t, "[profile e]\ncredential_source = Environment\n"+testvault.Readonly)
	w.Env["AWS_ACCESS_KEY_ID"], w.Env["AWS_SECRET_ACCESS_KEY"] = w.Key.ID, w.Key.Secret
	if _, err := w.Create(t, "e", plan.Options{}); err != nil {
		t.Fatal(err)
	}
	second := w.Alice.AddKey()
	w.Env["AWS_ACCESS_KEY_ID"], w.Env["AWS_SECRET_ACCESS_KEY"] = second.ID, second.Secret
	if _, err := w.Create(t, "e", plan.Options{}); err != nil {
		t.Fatal(err)
	}
	if got := w.Calls(); len(got) != 2 {
		t.Errorf("calls %q, want one per key", got)
	}
}

func TestCachedSessions(t *testing.T) {
	w := testvault.New(t, twoRoles)
	w.StoreKey(t, "m")
	pl, err := w.Plan(t.Context(), "r2", plan.Options{SessionName: "aws-vault-alice"})
	if err != nil {
		t.Fatal(err)
	}
	if cached := w.CachedSessions(pl); len(cached) != 0 {
		t.Errorf("cached sessions %v before any was created", cached)
	}
	if _, err := w.Create(t, "r2", plan.Options{}); err != nil {
		t.Fatal(err)
	}
	if cached := w.CachedSessions(pl); len(cached) != 3 || cached[3].Profile != "r2" || cached[1].Root != "m" {
		t.Errorf("cached sessions %v", cached)
	}
}

// After twenty concurrent edits, the file contains all twenty changes.
func TestParallelEdits(t *testing.T) {
	dir := t.TempDir()
	file := configfile.File{Path: filepath.Join(dir, "config"), Name: "config"}
	if err := os.WriteFile(file.Path, []byte("# mine\n[profile old]\nregion = x\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	locks := &store.Locks{Dir: disk.NewFolder(filepath.Join(dir, "locks")), Now: time.Now}
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			err := file.Edit(t.Context(), locks, func(f *profile.File) ([]byte, error) {
				return profile.WithProfile(f, "p"+string(rune('a'+i)), nil)
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	f, err := file.Read()
	if err != nil {
		t.Fatal(err)
	}
	if n := len(f.Profiles()); n != 21 {
		t.Errorf("%d profiles, want 21", n)
	}
	text, _ := os.ReadFile(file.Path)
	if !strings.HasPrefix(string(text), "# mine\n[profile old]\nregion = x\n") {
		t.Errorf("the existing lines were changed:\n%s", text)
	}
	if info, _ := os.Stat(file.Path); info.Mode().Perm() != 0o644 {
		t.Errorf("the mode is %v, want 0644", info.Mode())
	}
}

// TestRoleIsRenewedWithoutPrompt checks that a role session is renewed early if this needs no prompt. It needs no
// prompt while the user's session is valid.
func TestRoleIsRenewedWithoutPrompt(t *testing.T) {
	w := testvault.New(t, "[profile m]\n"+testvault.MFA+"[profile r]\n"+testvault.SourceM+testvault.MFA+testvault.Hub)
	w.StoreKey(t, "m")
	o := plan.Options{SessionName: "aws-vault-alice"}
	pl, err := w.Plan(t.Context(), "r", o)
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []struct {
		later time.Duration
		calls int
	}{
		{0, 2},                            // both sessions are created
		{50 * time.Minute, 1},             // the role session is renewed; the user's session is valid for hours
		{7*time.Hour + 30*time.Minute, 1}, // the role session is renewed and is then valid until 8:30
		{8*time.Hour + 20*time.Minute, 0}, // the role session is used for its last ten minutes, because renewing it would need a prompt
		{8*time.Hour + 26*time.Minute, 2}, // four minutes before the end, both sessions are created again
	} {
		w.ClockOffset = at.later
		w.AWS.SetClock(func() time.Time { return time.Now().Add(w.ClockOffset) })
		if _, err := w.Credentials(t.Context(), pl, o, 16*time.Minute); err != nil {
			t.Fatal(err)
		}
		if got := w.Calls(); len(got) != at.calls {
			t.Errorf("after %v: calls %q, want %d", at.later, got, at.calls)
		}
	}
}

// TestStaticKey checks that a plan uses the static key of its own profile, even if another profile is planned
// before the plan is carried out. This happens in a server.
func TestStaticKey(t *testing.T) {
	w := testvault.New(t, "")
	config := "[profile other]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = other\n[profile s]\naws_access_key_id = " + w.Key.ID + "\naws_secret_access_key = " + w.Key.Secret + "\n[profile r]\nsource_profile = s\n" + testvault.Readonly
	file, err := profile.Parse("config", []byte(config))
	if err != nil {
		t.Fatal(err)
	}
	w.Config = file
	pl, err := w.Plan(t.Context(), "r", plan.Options{SessionName: "aws-vault-alice"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Plan(t.Context(), "other", plan.Options{}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Credentials(t.Context(), pl, plan.Options{}, time.Minute); err != nil {
		t.Fatal(err)
	}
	if got := w.Calls(); len(got) != 1 {
		t.Errorf("calls %q", got)
	}
	if c, err := vault.StaticKey(w.Config, w.Inputs, "r"); err != nil || c.AccessKeyID != "" {
		t.Errorf("StaticKey returns a key for the role profile r, or an error: %v", err)
	}
}

func TestConfigFile(t *testing.T) {
	dir := t.TempDir()
	file := configfile.File{Path: filepath.Join(dir, "a", "config"), Name: "config"}
	locks := &store.Locks{Dir: disk.NewFolder(filepath.Join(dir, "locks")), Now: time.Now}
	if f, err := file.Read(); err != nil || len(f.Profiles()) != 0 {
		t.Errorf("a missing file: %v", err)
	}
	if err := file.Edit(t.Context(), locks, func(*profile.File) ([]byte, error) { return nil, testvault.ErrNoUser }); !errors.Is(err, testvault.ErrNoUser) {
		t.Errorf("error %v, want the error of the change", err)
	}
	if err := file.Edit(t.Context(), locks, func(*profile.File) ([]byte, error) { return []byte("[profile p]\n"), nil }); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file.Path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v, want a file with mode 0600", info, err)
	}
	blocked := configfile.File{Path: dir, Name: "config"}
	if _, err := blocked.Read(); err == nil {
		t.Error("a folder was read as a file")
	}
}

// A profile with require_touch is refused if the keystore does not support touch. Otherwise its session is
// stored with touch protection.
func TestRequireTouch(t *testing.T) {
	w := testvault.New(t, "[profile m]\nrequire_touch = true\n[profile n]\n")
	w.StoreKey(t, "m")
	var refused *vault.TouchError
	if _, err := w.Create(t, "m", plan.Options{}); !errors.As(err, &refused) || refused.Profile != "m" {
		t.Errorf("error %v, want a *TouchError", err)
	}
	rule := vault.TouchRule{Config: w.Config, Inputs: w.Inputs}
	if _, err := rule.Key("m"); !errors.As(err, &refused) {
		t.Errorf("Key: %v, want a *TouchError", err)
	}
	w.CanTouch, rule.CanTouch = true, true
	for name, want := range map[string]bool{"m": true, "n": false, "missing": false} {
		if touch, err := rule.Key(name); err != nil || touch != want {
			t.Errorf("Key(%s) = %v, %v", name, touch, err)
		}
	}
	if _, err := w.Create(t, "m", plan.Options{}); err != nil {
		t.Fatal(err)
	}
	tokens := rule.Tokens(func(p *profile.Profile) []string { return []string{"token of " + p.Name} })
	if !tokens("token of m") || tokens("token of n") {
		t.Error("Tokens does not distinguish the profile with require_touch from the other")
	}
}
