//go:build interop && linux

// Package interop tests aws-vault with real programs: clients that use its credentials, a browser, and keystores. The
// script "run" in this folder installs them.
package interop

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"aws-vault/internal/fakeaws"
)

// programVariable names the variable with the path of the aws-vault program under test. modulesVariable names the
// variable with the path of the node_modules folder.
const (
	programVariable = "INTEROP_PROGRAM"
	modulesVariable = "INTEROP_MODULES"
)

func TestMain(m *testing.M) {
	if who, ok := os.LookupEnv(personVariable); ok {
		os.Exit(xdgOpen(who, os.Args[1:]))
	}
	if at, ok := os.LookupEnv(clientVariable); ok {
		os.Exit(beClient(at))
	}
	if who, ok := os.LookupEnv(visitorVariable); ok {
		os.Exit(visits(who, os.Args[1:]))
	}
	if folder, ok := os.LookupEnv(thiefVariable); ok {
		os.Exit(steals(folder))
	}
	os.Exit(m.Run())
}

// A world is the test environment of one user: a home directory, environment variables, and a fake AWS.
type world struct {
	fakeaws.World
	t       *testing.T
	aws     *fakeaws.AWS
	program string
	home    string
	env     []string
}

// chain lists the calls that create credentials for the profile prod. One MFA code is enough for both roles.
var chain = []string{
	"GetSessionToken duration=28800 mfa=alice by=user/alice",
	"AssumeRole arn:aws:iam::123456789012:role/hub duration=3600 session=aws-vault-alice by=session/alice",
	"AssumeRole arn:aws:iam::210987654321:role/prod duration=3600 session=aws-vault-alice by=role/hub",
}

const (
	prodARN  = "arn:aws:sts::210987654321:assumed-role/prod/aws-vault-alice"
	identity = "GetCallerIdentity by=role/prod"
)

// newWorld creates a world with a config file for the role chain alice → hub → prod. The argument backend names
// the keystore that aws-vault uses. When the test ends, every program that was started in the world must have
// ended.
func newWorld(t *testing.T, backend string, env ...string) *world {
	t.Helper()
	aws, err := fakeaws.NewAWS()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(aws.Close)
	w := &world{World: aws.Example(), t: t, aws: aws, program: os.Getenv(programVariable), home: newHome(t)}
	if w.program == "" {
		t.Fatalf("%s names no program", programVariable)
	}
	w.env = append([]string{
		"HOME=" + w.home, "USER=alice", "PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8",
		"AWS_ENDPOINT_URL=" + aws.URL(), "AWS_VAULT_BACKEND=" + backend,
	}, env...)
	t.Cleanup(w.alone)
	w.writeConfig()
	return w
}

// newHome creates a folder and returns its path. The path is short, because the folder will contain sockets.
func newHome(t *testing.T) string {
	t.Helper()
	home, err := os.MkdirTemp("", "interop-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(home); err != nil {
			t.Error(err)
		}
	})
	return home
}

func (w *world) writeConfig() {
	w.t.Helper()
	code := filepath.Join(w.home, "code")
	w.write(filepath.Join(".aws", "config"), `[default]
region      = eu-central-1
mfa_serial  = `+w.MFA.Serial()+`
mfa_process = cat `+code+`

[profile alice]

[profile hub]
source_profile = alice
role_arn       = `+w.Hub+`

[profile prod]
source_profile = hub
role_arn       = `+w.Prod+`

[profile prod-process]
credential_process = `+w.program+` export --format=json prod
`)
	w.write("code", w.MFA.Code()+"\n")
}

func (w *world) write(name, text string) {
	w.t.Helper()
	path := filepath.Join(w.home, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// add stores an access key for the profile alice.
func (w *world) add(k fakeaws.Key) {
	w.t.Helper()
	w.input(k.ID+"\n"+k.Secret+"\n", w.program, "add", "--stdin", "--force", "alice")
}

// vault runs aws-vault and returns its output.
func (w *world) vault(args ...string) string {
	w.t.Helper()
	return w.input("", w.program, args...)
}

// exec runs a command with the credentials of the profile prod, and returns the output.
func (w *world) exec(command ...string) string {
	w.t.Helper()
	return w.vault(append([]string{"exec", "prod", "--"}, command...)...)
}

// command returns a command that runs in the world's home directory with the world's environment. It does not
// start the command.
func (w *world) command(program string, args ...string) *exec.Cmd {
	c := exec.Command(program, args...)
	c.Env, c.Dir = w.env, w.home
	return c
}

// input runs a program with the given stdin and returns the program's output. The program must succeed.
func (w *world) input(stdin, program string, args ...string) string {
	w.t.Helper()
	c := w.command(program, args...)
	c.Stdin = strings.NewReader(stdin)
	var out, talk bytes.Buffer
	c.Stdout, c.Stderr = &out, &talk
	if err := c.Run(); err != nil {
		w.t.Fatalf("%s %q: %v\n%s%s", program, args, err, &out, &talk)
	}
	return out.String()
}

func (w *world) read(name string) string {
	w.t.Helper()
	text, err := os.ReadFile(filepath.Join(w.home, name))
	if err != nil {
		w.t.Fatal(err)
	}
	return string(text)
}

// fails runs aws-vault, which must fail, and returns what it printed.
func (w *world) fails(args ...string) string {
	w.t.Helper()
	out, err := w.command(w.program, args...).CombinedOutput()
	if err == nil {
		w.t.Errorf("aws-vault %q succeeded: %s", args, out)
	}
	return string(out)
}

// calls checks that AWS has received exactly the wanted calls since the last check. It then deletes the record of
// these calls.
func (w *world) calls(want ...string) {
	w.t.Helper()
	if have := w.aws.Actions(); !slices.Equal(have, want) {
		w.t.Errorf("AWS was asked\n%s\nwant\n%s", strings.Join(have, "\n"), strings.Join(want, "\n"))
	}
	w.aws.Reset()
}

// alone checks that no program of the world is running. It waits up to 10 s for programs that are ending.
func (w *world) alone() {
	w.t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		left := processesOf(w.t, w.home)
		if len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			w.t.Errorf("left running: %q", left)
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// processesOf returns the names of the programs that run with this home directory.
func processesOf(t *testing.T, home string) []string {
	t.Helper()
	environs, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, path := range environs {
		environ, err := os.ReadFile(path)
		if err != nil || !slices.Contains(strings.Split(string(environ), "\x00"), "HOME="+home) {
			continue // the process has ended, belongs to another user, or has another home directory
		}
		name, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "comm"))
		names = append(names, strings.TrimSpace(string(name)))
	}
	return names
}
