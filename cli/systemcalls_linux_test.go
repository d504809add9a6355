//go:build amd64 || arm64

package cli_test

import (
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aws-vault/internal/fakeaws"
)

// A tracedHome is a home directory for commands whose system calls are traced. Its fake AWS uses TLS.
type tracedHome struct {
	dir     string
	environ []string
	aws     *fakeaws.AWS
}

// newTracedHome creates a home directory with alice's key in the file keystore, and with two roles. The given variables
// are added to the environment after the key is stored.
func newTracedHome(t *testing.T, variables ...string) tracedHome {
	t.Helper()
	aws, err := fakeaws.NewAWS()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(aws.Close)
	environ, dir := home(t, aws)
	if dir, err = filepath.EvalSymlinks(dir); err != nil { // the kernel reports the paths of open files without symbolic links
		t.Fatal(err)
	}
	world := aws.Example()
	server := httptest.NewUnstartedServer(aws)
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	server.StartTLS()
	t.Cleanup(server.Close)
	config := "[profile alice]\n[profile r]\nsource_profile = alice\nrole_arn = " + world.ReadOnly +
		"\n[profile cold]\nsource_profile = alice\nrole_arn = " + world.Long + "\n[profile process]\ncredential_process = source\n"
	if err := os.Mkdir(filepath.Join(dir, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"roots":       string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})),
		".aws/config": config,
		"bin/tool":    "#!/bin/sh\n",
		"bin/source":  "#!/bin/sh\necho '{\"Version\":1,\"AccessKeyId\":\"AKIAIOSFODNN7EXAMPLE\",\"SecretAccessKey\":\"wJalrXUtnFEMI/EXAMPLEKEY\"}'\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	last := exec.Cmd{Env: slices.Concat(environ, []string{
		"HOME=" + dir, "AWS_ENDPOINT_URL=" + server.URL, "AWS_CA_BUNDLE=" + filepath.Join(dir, "roots"), "PATH=" + filepath.Join(dir, "bin"),
	}, variables)}
	return tracedHome{dir, last.Environ(), aws}
}

// run runs a command line without tracing it.
func (h tracedHome) run(t *testing.T, line string) {
	t.Helper()
	c := exec.Command(os.Args[0], strings.Fields(line)...)
	c.Env = h.environ
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", line, err, out)
	}
}

// trace runs a command line. It returns the system calls that access files in the home directory and in /etc, run
// programs, or open connections.
func (h tracedHome) trace(t *testing.T, line string) []string {
	t.Helper()
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	var acts []string
	for _, a := range traced(t, out, h.environ, append([]string{os.Args[0]}, strings.Fields(line)...)...) {
		if place, ok := h.fixedName(a); ok {
			acts = append(acts, strings.TrimSpace(a.verb+" "+place))
		}
	}
	return acts
}

// fixedNames gives names to files in the home directory, because some paths differ in each run. In a name, "*"
// stands for the base name of the file. A "way to" a folder is one of the folder's parents. Other files keep their
// path.
var fixedNames = []struct{ pattern, name string }{
	{".aws/*", "*"},
	{".awsvault", "way to keys"},
	{".awsvault/keys", "keys"},
	{".awsvault/keys/*", "key *"},
	{"bin/*", "*"},
	{".local", "way"},
	{".local/share", "way to items"},
	{".local/share/aws-vault", "way to items"},
	{".local/share/aws-vault/sealed", "sealed keystore"},
	{".local/share/aws-vault/sealed/store", "header"},
	{".local/share/aws-vault/sealed/items-*", "items"},
	{".local/share/aws-vault/sealed/items-*/*", "item"},
	{".local/state", "way to state"},
	{".local/state/aws-vault", "state"},
	{".local/state/aws-vault/keystore", "way to lists"},
	{".local/state/aws-vault/keystore/*", "lists"},
	{".local/state/aws-vault/keystore/*/generations", "generations"},
	{".local/state/aws-vault/keystore/*/generations/*", "generation"},
	{".local/state/aws-vault/keystore/*/sessions", "index"},
	{".local/state/aws-vault/keystore/*/swept-sessions", "time of sweeping"},
	{".local/state/aws-vault/locks", "locks"},
	{".local/state/aws-vault/locks/session-*", "lock of session"},
	{".local/state/aws-vault/locks/*", "lock of *"},
	{".local/state/aws-vault/private", "way to sessions"},
	{".local/state/aws-vault/private/*", "sessions"},
	{".local/state/aws-vault/private/*/.aws-vault-*.tmp", "new session"},
	{".local/state/aws-vault/private/*/*", "session"},
}

// fixedName returns the name from fixedNames for the file that a system call accesses. It returns false for the
// files that the Go runtime and the loader read, because these files depend on the system and the build.
func (h tracedHome) fixedName(a act) (string, bool) {
	rest, inside := strings.CutPrefix(a.of, h.dir+"/")
	switch {
	case !strings.HasPrefix(a.of, "/"), a.verb == "run" && !inside:
		return a.of, true
	case !inside:
		return a.of, strings.HasPrefix(a.of, "/etc/") && !strings.HasPrefix(a.of, "/etc/ld.so")
	}
	for _, p := range fixedNames {
		if ok, _ := path.Match(p.pattern, rest); ok {
			return strings.ReplaceAll(p.name, "*", path.Base(rest)), true
		}
	}
	return rest, true
}

// TestSystemCalls checks the traced system calls of several commands, in order, because each system call makes the
// start slower. A command must check each folder of aws-vault once, before it opens the first file in the folder.
// Otherwise a symbolic link, or a folder that another user owns, could lead to any file.
func TestSystemCalls(t *testing.T) {
	const (
		config = "read config, read credentials"
		state  = config + ", stat way, stat way to state, stat state, access state"
		keys   = ", stat way to keys, stat keys"
		stored = keys + ", read key r, read key alice, stat way to lists, stat lists, stat generations, read generation"
		kept   = ", stat way to sessions, stat sessions, read session"
	)
	h := newTracedHome(t)
	h.run(t, "exec r -- tool")
	h.aws.Reset()
	for _, c := range []struct{ command, want string }{
		{"--version", ""},
		{"--help", ""},
		{"--completion-script-bash", ""},
		{"--completion-bash exec --", ""},
		{"--completion-bash exec r", "read config"},
		{"exec r -- tool", "stat tool, access tool, " + state + stored + kept + ", run tool"},
		{"export --format=json r", state + stored + kept},
		{"explain r", state + stored + ", read index, read /etc/localtime"},
		{
			"list", state + keys + ", list keys, stat way to sessions, stat sessions, list sessions" +
				", stat way to lists, stat lists, read index, read key alice",
		},
		{"list --profiles", config},
		{
			"exec process -- tool", "stat tool, access tool, " + state + keys + ", read key process" + kept +
				", stat locks, read lock of session, write lock of session, lock lock of session, stat lock of session, read session" +
				", run /bin/sh, run tool",
		},
	} {
		if got := strings.Join(h.trace(t, c.command), ", "); got != c.want {
			t.Errorf("%s: the system calls are %s\nwant %s", c.command, got, c.want)
		}
	}
	if calls := h.aws.Actions(); len(calls) > 0 {
		t.Errorf("AWS was called: %v", calls)
	}
}

// TestSystemCallsWithUnlockedKeystore checks that a command with an unlocked sealed keystore only reads files.
func TestSystemCallsWithUnlockedKeystore(t *testing.T) {
	if ok, err := condition("waits"); !ok {
		t.Skipf("the kernel keyring is not available: %v", err)
	}
	h := newTracedHome(t, "AWS_VAULT_BACKEND=sealed", "AWS_VAULT_SEALED_PASSPHRASE=correct horse")
	h.run(t, "sealed init --without-recovery")
	add := exec.Command(os.Args[0], "add", "--stdin", "alice")
	world := h.aws.Example()
	add.Env, add.Stdin = h.environ, strings.NewReader(world.Key.ID+"\n"+world.Key.Secret+"\n")
	if out, err := add.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	h.run(t, "exec r -- tool")
	h.run(t, "unlock")
	defer h.run(t, "lock")
	want := "stat tool, access tool, read config, read credentials, stat way, stat way to state, stat state, access state" +
		", stat way, stat way to items, stat way to items, stat sealed keystore, read header" +
		// Profile r has no stored key. The program reads the header again, because a rekey may have moved all items.
		", stat items, read item, read header" +
		", read item, stat way to lists, stat lists, stat generations, read generation, read item, run tool"
	if got := strings.Join(h.trace(t, "exec r -- tool"), ", "); got != want {
		t.Errorf("exec r -- tool: %s\nwant %s", got, want)
	}
}

// TestSystemCallsWithAWSCall counts the system calls of a command that calls AWS and caches a session. The order of
// the calls varies, because the program opens the connection in parallel. The session's file and folder must be
// synced, so that they survive a power failure. The index need not be synced.
func TestSystemCallsWithAWSCall(t *testing.T) {
	h := newTracedHome(t)
	h.run(t, "exec r -- tool") // this run creates the folders
	want := []string{
		"1 access sessions",
		"1 access state",
		"1 access tool",
		"1 connect",
		"1 lock lock of index",
		"1 lock lock of session",
		"1 read config",
		"1 read credentials",
		"1 read generation",
		"2 read key alice",
		"1 read key cold",
		"1 read lock of index",
		"1 read lock of session",
		"1 read roots",
		"3 read session",
		"1 read sessions",
		"1 rename to session",
		"1 run tool",
		"1 stat generations",
		"1 stat keys",
		"1 stat lists",
		"1 stat lock of index",
		"1 stat lock of session",
		"1 stat locks",
		"2 stat session",
		"1 stat sessions",
		"1 stat state",
		"1 stat time of sweeping",
		"1 stat tool",
		"1 stat way",
		"1 stat way to keys",
		"1 stat way to lists",
		"1 stat way to sessions",
		"1 stat way to state",
		"1 sync new session",
		"1 sync sessions",
		"1 write index",
		"1 write lock of index",
		"1 write lock of session",
		"1 write new session",
	}
	// Before its first connection, the program probes which IP versions the machine has. The test does not count
	// these calls.
	acts := slices.DeleteFunc(h.trace(t, "exec cold -- tool"), func(act string) bool { return act == "socket inet" })
	got := counted(acts)
	for _, line := range got {
		if !slices.Contains(want, line) {
			t.Errorf("exec cold -- tool: unexpected: %s", line)
		}
	}
	for _, line := range want {
		if !slices.Contains(got, line) {
			t.Errorf("exec cold -- tool: missing: %s", line)
		}
	}
}

// counted returns each different line once. Each returned line begins with the number of its occurrences.
func counted(acts []string) []string {
	var lines []string
	slices.Sort(acts)
	for len(acts) > 0 {
		n := 1
		for n < len(acts) && acts[n] == acts[0] {
			n++
		}
		lines, acts = append(lines, fmt.Sprintf("%d %s", n, acts[0])), acts[n:]
	}
	return lines
}
