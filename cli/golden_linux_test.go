package cli_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"aws-vault/internal/fakeaws"
)

// golden is a home directory that an earlier build has written. It contains keys, sessions, sign-ins and two
// interrupted rotations. All keys in it belong to the fake AWS. TestWriteGoldenHome writes this directory.
const golden = "testdata/golden-home"

// TestGoldenHome checks that today's program can use the home directory of an earlier build.
func TestGoldenHome(t *testing.T) {
	record := readGoldenRecord(t)
	began := time.Now()
	now := func() time.Time { return record.Written.Add(time.Minute + time.Since(began)) }
	saved, err := os.ReadFile(filepath.Join(golden, "aws.json"))
	if err != nil {
		t.Fatal(err)
	}
	site := copyGolden(t, record.Written)
	w := newGoldenWorld(t, site, now)
	w.addAnywhere(t, site)
	if err := w.Restore(saved); err != nil {
		t.Fatal(err)
	}
	newHome := func(t *testing.T, later time.Duration) goldenHome {
		return newGoldenHome(os.Args[0], copyGolden(t, record.Written), programVariable+"=1", quickRace, laterVariable+"="+(time.Until(now())+later).String())
	}

	// First run the tests that need no call to AWS. If AWS is called, the program did not find a cached session.
	t.Run("cached", func(t *testing.T) {
		h := newHome(t, 0)
		for _, u := range goldenUses {
			if u.anew != "" {
				continue
			}
			t.Run(u.name, func(t *testing.T) {
				t.Parallel()
				if got, want := h.use(t, u), record.Keys[u.name]; got != want {
					t.Errorf("the credentials are %s, want those of the session that build %s cached, %s", got, record.Commit, want)
				}
			})
		}
		for _, u := range goldenUses {
			if slices.Contains(u.env, sealedBackend) {
				// Skip this plan: it equals the plan with the file keystore, and unlocking the sealed keystore takes a second.
				continue
			}
			t.Run("explain "+u.name, func(t *testing.T) {
				t.Parallel()
				out := h.run(t, u.env, append([]string{"explain", "--json"}, u.args...)...)
				if got, want := goldenPlan(t, []byte(out)), goldenPlan(t, record.Plans[u.name]); got != want {
					t.Errorf("the plan is\n%s\nwant that of build %s\n%s", got, record.Commit, want)
				}
			})
		}
	})
	if calls := w.Actions(); len(calls) > 0 {
		t.Errorf("AWS was called, want cached sessions only:\n%s", strings.Join(calls, "\n"))
	}

	t.Run("anew", func(t *testing.T) {
		h := newHome(t, 0)
		for _, u := range goldenUses {
			if u.anew == "" {
				continue
			}
			t.Run(u.name, func(t *testing.T) {
				t.Parallel()
				if got := h.use(t, u); got == "" || got == record.Keys[u.name] {
					t.Errorf("the credentials are %q, want new ones, as %s", got, u.anew)
				}
			})
		}
		t.Run("lists", func(t *testing.T) { testGoldenLists(t, newHome(t, 0)) })
		t.Run("rotations", func(t *testing.T) { testGoldenRotations(t, newHome(t, 0), w) })
	})
	if signIns := w.signIns(); len(signIns) > 0 {
		t.Errorf("the user had to sign in again, want the stored tokens to be used: %q", signIns)
	}

	// After 10 h the access tokens have expired. After 20 h more, all sessions and sign-ins have expired.
	w.Advance(10 * time.Hour)
	t.Run("renewed", func(t *testing.T) {
		h := newHome(t, 10*time.Hour)
		for _, profile := range []string{"dev", "oidc", "console"} {
			t.Run(profile, func(t *testing.T) {
				t.Parallel()
				h.use(t, goldenUse{args: []string{profile}})
			})
		}
	})
	if signIns := w.signIns(); len(signIns) > 0 {
		t.Errorf("the user had to sign in again, want the stored tokens to be renewed: %q", signIns)
	}
	w.Advance(20 * time.Hour)
	t.Run("swept", func(t *testing.T) { testGoldenSweep(t, newHome(t, 30*time.Hour)) })
}

// signIns returns the calls to AWS that begin a sign-in by the user.
func (w *goldenWorld) signIns() []string {
	return slices.DeleteFunc(w.Actions(), func(call string) bool {
		return !strings.HasPrefix(call, "StartDeviceAuthorization") && !strings.HasPrefix(call, "OpenIDDevice") && !strings.Contains(call, "=authorization_code")
	})
}

// testGoldenLists checks the commands that list stored keys, sessions and sign-ins.
func testGoldenLists(t *testing.T, h goldenHome) {
	t.Parallel()
	for _, c := range []struct {
		args []string
		env  []string
		want string // a text that the output must contain
	}{
		{args: []string{"list", "--credentials"}, want: "alice\nrita\nuna\n"},
		{args: []string{"sealed", "check"}, env: []string{sealedBackend}, want: "The keystore has 1 opener."},
		{args: []string{"oidc", "status", "corp"}, want: " alice@example.com "},
		{args: []string{"identity", "show", "alice"}, want: "in the keystore: signs"},
		{args: []string{"list", "--sessions"}, want: "\nsso:corp\n"},
		{args: []string{"list", "--sessions"}, want: "login:arn:aws:iam::123456789012:user/alice\n"},
	} {
		if got := h.run(t, c.env, c.args...); !strings.Contains(got, c.want) {
			t.Errorf("%s prints\n%swant %q in it", strings.Join(c.args, " "), got, c.want)
		}
	}
}

// testGoldenRotations finishes the rotation whose new key is stored, and undoes the rotation whose new key is not
// stored.
func testGoldenRotations(t *testing.T, h goldenHome, w *goldenWorld) {
	t.Parallel()
	h.run(t, nil, "rotate", "--resume", "rita")
	h.run(t, nil, "rotate", "--undo", "una")
	for name, old := range map[string]fakeaws.Key{"rita": w.rita, "una": w.una} {
		if out := h.run(t, nil, "rotate", "--dry-run", name); !strings.Contains(out, "has 1 access key:") {
			t.Errorf("the rotation of %s left other keys: %s", name, out)
		}
		key := h.use(t, goldenUse{args: []string{"--no-session", name}})
		if (key == old.ID) != (name == "una") {
			t.Errorf("the key of %s is %s, and was %s", name, key, old.ID)
		}
	}
}

// testGoldenSweep checks that all expired sessions are removed, even sessions that today's program does not look
// up.
func testGoldenSweep(t *testing.T, h goldenHome) {
	before := goldenSessions(t, h)
	h.use(t, goldenUse{args: []string{"token"}}) // stores a new session, so the program also removes expired sessions
	after := goldenSessions(t, h)
	if len(before) < len(goldenUses)/2 {
		t.Fatalf("only %d sessions were there", len(before))
	}
	for _, session := range before {
		if slices.Contains(after, session) {
			t.Errorf("session %s has expired, but still exists", session)
		}
	}
}

// goldenSessions returns the session files in the home directory h that the earlier build has written. The index
// of the earlier build lists these files.
func goldenSessions(t *testing.T, h goldenHome) []string {
	t.Helper()
	listed := map[string]bool{}
	lists, _ := filepath.Glob(filepath.Join(golden, "home", ".local", "state", "aws-vault", "keystore", "*", "sessions"))
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			var e struct{ Type, Name string }
			if json.Unmarshal([]byte(line), &e) == nil && e.Type == "" {
				listed[e.Name] = true
			}
		}
	}
	files, _ := filepath.Glob(filepath.Join(h.dir, ".local", "state", "aws-vault", "private", "file-*", "*"))
	return slices.DeleteFunc(files, func(file string) bool { return !listed[filepath.Base(file)] })
}

// goldenPlan returns the parts of a plan that must not change: all steps, without the reasons for them.
func goldenPlan(t *testing.T, text []byte) string {
	t.Helper()
	var plan struct {
		Steps []map[string]any
	}
	if err := json.Unmarshal(text, &plan); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	for _, step := range plan.Steps {
		delete(step, "why") // the reason is a text for the user, which may change
	}
	out, err := json.MarshalIndent(plan, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
