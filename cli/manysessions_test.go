package cli_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"aws-vault/internal/fakeaws"
)

// TestKeystoreCallsWithManySessions checks that a command makes the same keystore calls with a thousand sessions as
// with one session. The command must list the sessions once, and open only the session that it needs.
func TestKeystoreCallsWithManySessions(t *testing.T) {
	environ, dir := warmHome(t)
	commands := []struct{ command, want string }{
		{"exec r -- true", "keys stamp, keys stamp, private item"},
		{"list", "signals, keys names, private names"},
		{"clear nobody", "signals, keys stamp, keys names, keys stamp, keys names, keys stamp, keys names, private names"},
		{"doctor --offline", "signals, keys names, private names"},
		{"--completion-bash exec --", ""},
	}
	const more = 1000
	for _, n := range []int{1, 1 + more} {
		for _, c := range commands {
			if got := keystoreCalls(t, environ, dir, strings.Fields(c.command)...); got != c.want {
				t.Errorf("with %d sessions, the keystore calls of %s are %s, want %s", n, c.command, got, c.want)
			}
		}
		if n == 1 {
			addSessions(t, dir, more)
		}
	}
	got := keystoreCalls(t, environ, dir, "clear", "r")
	if want := "signals" + strings.Repeat(", keys stamp", 6) + ", private names" + strings.Repeat(", private remove", 1+more); got != want {
		t.Errorf("clear has %d keystore calls: %.200s ..., want one list and %d removals", strings.Count(got, ",")+1, got, 1+more)
	}
}

// warmHome returns a home directory with one cached session, which belongs to the profile r.
func warmHome(t *testing.T) (environ []string, dir string) {
	t.Helper()
	aws, err := fakeaws.NewAWS()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(aws.Close)
	environ, dir = home(t, aws)
	keystoreCalls(t, environ, dir, "exec", "r", "--", "true")
	return environ, dir
}

// addSessions adds n copies of the only cached session. Each copy has its own name. To a program that does not open
// the copies, they look like real sessions.
func addSessions(t *testing.T, dir string, n int) {
	t.Helper()
	state := filepath.Join(dir, ".local", "state", "aws-vault")
	index := onlyFile(t, filepath.Join(state, "keystore", "*", "sessions"))
	line, err := os.ReadFile(index)
	if err != nil {
		t.Fatal(err)
	}
	_, after, ok := strings.Cut(string(line), `"name":"`)
	name, _, ok2 := strings.Cut(after, `"`)
	if !ok || !ok2 || strings.Count(string(line), "\n") != 1 {
		t.Fatalf("the index is %q, want one line", line)
	}
	items := filepath.Dir(onlyFile(t, filepath.Join(state, "private", "*", name)))
	item, err := os.ReadFile(filepath.Join(items, name))
	if err != nil {
		t.Fatal(err)
	}
	lines := string(line)
	for i := range n {
		other := fmt.Sprintf("%032x", i)
		if err := os.WriteFile(filepath.Join(items, other), item, 0o600); err != nil {
			t.Fatal(err)
		}
		lines += strings.Replace(string(line), name, other, 1)
	}
	if err := os.WriteFile(index, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
}

// onlyFile returns the only file that matches a pattern.
func onlyFile(t *testing.T, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(pattern)
	if err != nil || len(found) != 1 {
		t.Fatalf("%s matches %q, %v, want one file", pattern, found, err)
	}
	return found[0]
}

// TestListOfManySessions checks that many sessions of one profile do not make the lines of other profiles long.
func TestListOfManySessions(t *testing.T) {
	environ, dir := warmHome(t)
	addSessions(t, dir, 100)
	list := exec.Command(os.Args[0], "list")
	list.Env = environ
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		if n := strings.Count(line, "AssumeRole"); n != 101 && (n > 0 || len(line) > 260) {
			t.Errorf("%d sessions in a line of %d bytes: %.80s…", n, len(line), line)
		}
	}
	if !strings.Contains(string(out), "AssumeRole") {
		t.Error("no session is listed")
	}
}
