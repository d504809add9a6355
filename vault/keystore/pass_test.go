//go:build unix

package keystore

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"aws-vault/vault/disk"
)

// fakePass is a script that replaces pass. It stores secrets unencrypted, and logs its arguments to a file. It appends
// a random number of spaces to each secret, so that two writes of the same secret produce different files.
const fakePass = `#!/bin/sh
echo "$*" >>"$PASSWORD_STORE_DIR/.args"
verb=$1
for last; do :; done
file="$PASSWORD_STORE_DIR/$last.gpg"
case $verb in
show) [ ! -e "$PASSWORD_STORE_DIR/.refuse" ] || { echo "gpg: no secret key" >&2; exit 2; }; cat "$file" ;;
insert)
	[ -s "$PASSWORD_STORE_DIR/.gpg-id" ] || { echo "not initialised" >&2; exit 1; }
	mkdir -p "$(dirname "$file")"
	if [ -e "$PASSWORD_STORE_DIR/.refuse" ]; then head -c 5 >"$file"; exit 1; fi
	{ cat; n=$(od -An -N2 -tu2 /dev/urandom); printf "%*s" $n ""; } >"$file" ;;
rm) rm "$file" ;;
esac
`

// passConfig returns the configuration of a store in a temporary directory, with a fake pass program.
func passConfig(t *testing.T) Config {
	t.Helper()
	dir := t.TempDir()
	program := filepath.Join(dir, "pass")
	store := filepath.Join(dir, "store")
	err := errors.Join(
		os.WriteFile(program, []byte(fakePass), 0o700),
		os.Mkdir(store, 0o700),
		os.WriteFile(filepath.Join(store, recipients), []byte("user@example.com\n"), 0o600),
	)
	if err != nil {
		t.Fatal(err)
	}
	return Config{Backend: passBackend, PassCmd: program, PassDir: store, State: disk.NewFolder(filepath.Join(dir, "state"))}
}

var passPaths = []string{"team/prod", "-n", "50%", "a.gpg"}

func TestPass(t *testing.T) {
	for _, prefix := range []string{"", "aws/vault"} {
		c := passConfig(t)
		c.PassPrefix = prefix
		k := mustOpen(t, c)
		t.Run("keys in "+prefix, func(t *testing.T) { testRing(t, k.Keys, ringTest{names: passPaths}) })
		t.Run("private in "+prefix, func(t *testing.T) { testRing(t, k.Private, ringTest{names: passPaths, private: true}) })
		args, err := os.ReadFile(filepath.Join(c.PassDir, ".args"))
		if err != nil || strings.Contains(string(args), testSecret) {
			t.Errorf("an argument contains a secret (%v)", err)
		}
	}
}

func TestPassPaths(t *testing.T) {
	c := passConfig(t)
	k := mustOpen(t, c)
	var bad *NameError
	for _, name := range []string{"../out", "a/../../out", "a/..", "./a", disk.TempName()} {
		if err := k.Keys.Put(t.Context(), testItem(name)); !errors.As(err, &bad) {
			t.Errorf("Put(%q) returned %v, want a *NameError", name, err)
		}
	}
	c.PassPrefix = "../elsewhere"
	if _, err := Open(t.Context(), c); !errors.As(err, &bad) {
		t.Errorf("a prefix that leads out of the store returned %v", err)
	}
}

func TestPassNames(t *testing.T) {
	c := passConfig(t)
	for _, name := range []string{"prod.gpg", "team/dev.gpg", "notes.txt", ".git/x.gpg", disk.TempName() + ".gpg"} {
		path := filepath.Join(c.PassDir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, nil, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(c.PassDir, link); err != nil {
		t.Fatal(err)
	}
	for _, c.PassDir = range []string{c.PassDir, link} {
		names, err := mustOpen(t, c).Keys.Names(t.Context())
		if want := []string{"prod", "team/dev"}; err != nil || !slices.Equal(names, want) {
			t.Errorf("Names = %q, %v, want %q", names, err, want)
		}
	}
}

// TestPassInterrupted makes gpg fail after it has written a part of the new content. The old item must remain.
func TestPassInterrupted(t *testing.T) {
	c := passConfig(t)
	k := mustOpen(t, c)
	mustPut(t, k.Keys, testItem("prod"))
	refuse := filepath.Join(c.PassDir, ".refuse")
	if err := os.WriteFile(refuse, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	changed := testItem("prod")
	changed.Data = []byte("changed")
	var exit *exec.ExitError
	if err := k.Keys.Put(t.Context(), changed); !errors.As(err, &exit) {
		t.Errorf("Put returned %v, want pass's own failure", err)
	}
	if _, err := k.Keys.Item(t.Context(), "prod"); !errors.As(err, &exit) || !strings.Contains(err.Error(), "gpg: no secret key") {
		t.Errorf("Item returned %v, want the message of gpg", err)
	}
	if err := os.Remove(refuse); err != nil {
		t.Fatal(err)
	}
	wantItem(t, k.Keys, testItem("prod"), ringTest{})
	if names, err := k.Keys.Names(t.Context()); err != nil || !slices.Equal(names, []string{"prod"}) {
		t.Errorf("Names = %q, %v", names, err)
	}
}

// TestPassHangs cancels a Put while pass hangs. Put must return, although a child process of pass keeps the pipes
// open.
func TestPassHangs(t *testing.T) {
	c := passConfig(t)
	dir := filepath.Dir(c.PassDir)
	hangs := filepath.Join(dir, "hangs")
	script := "#!/bin/sh\ncat '" + hangs + "' &\nwait\n"
	if err := errors.Join(syscall.Mkfifo(hangs, 0o600), os.WriteFile(c.PassCmd, []byte(script), 0o700)); err != nil {
		t.Fatal(err)
	}
	k := mustOpen(t, c)
	ctx, stop := context.WithCancel(t.Context())
	began, ended := make(chan *os.File, 1), make(chan error)
	go func() { ended <- k.Keys.Put(ctx, testItem("prod")) }()
	go func() {
		f, _ := os.OpenFile(hangs, os.O_WRONLY, 0) // blocks until cat opens the other end
		began <- f
	}()
	f := <-began
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Put returned %v", err)
	}
	f.Close() // ends the child process of pass
}

func TestPassDamaged(t *testing.T) {
	c := passConfig(t)
	if err := os.WriteFile(filepath.Join(c.PassDir, "mail.gpg"), []byte("a password\nand more"), 0o600); err != nil {
		t.Fatal(err)
	}
	var damaged *DamagedError
	_, err := mustOpen(t, c).Keys.Item(t.Context(), "mail")
	if !errors.As(err, &damaged) || strings.Contains(err.Error(), "password") {
		t.Errorf("another program's entry returned %v, want a *DamagedError without its content", err)
	}
}

// TestPassUnderGit checks that Put does not use a temporary entry in a git repository. pass writes the final entry
// and commits it.
func TestPassUnderGit(t *testing.T) {
	c := passConfig(t)
	if err := os.Mkdir(filepath.Join(c.PassDir, ".git"), 0o700); err != nil {
		t.Fatal(err)
	}
	k := mustOpen(t, c)
	mustPut(t, k.Keys, testItem("prod"))
	wantItem(t, k.Keys, testItem("prod"), ringTest{})
	args, err := os.ReadFile(filepath.Join(c.PassDir, ".args"))
	if err != nil || !strings.HasPrefix(string(args), "insert -m -f prod\n") {
		t.Errorf("pass was called with %q, %v", args, err)
	}
}

func TestPassRecipients(t *testing.T) {
	c := passConfig(t)
	c.PassPrefix = "team/aws"
	write := func(name, content string) {
		path := filepath.Join(c.PassDir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(content), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	private := c.privateDir(passBackend, filepath.Join(c.PassDir, c.PassPrefix))
	want := func(name, content string) {
		t.Helper()
		mustPut(t, mustOpen(t, c).Private, testItem("session"))
		if data, _ := os.ReadFile(private.File(name)); string(data) != content {
			t.Errorf("%s of the private store is %q, want %q", name, data, content)
		}
	}
	want(recipients, "user@example.com\n")
	write("team/.gpg-id", "team@example.com\n")
	want(recipients, "team@example.com\n")
	write("team/.gpg-id.sig", "signature")
	want(signature, "signature")
	if err := os.Remove(filepath.Join(c.PassDir, "team", signature)); err != nil {
		t.Fatal(err)
	}
	want(signature, "")
}

func TestPassUnavailable(t *testing.T) {
	var unavailable *UnavailableError
	c := passConfig(t)
	c.PassCmd = filepath.Join(c.PassDir, "missing")
	if _, err := Open(t.Context(), c); !errors.As(err, &unavailable) {
		t.Errorf("without the program Open returned %v", err)
	}
	c = passConfig(t)
	if err := os.Remove(filepath.Join(c.PassDir, recipients)); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), c); !errors.As(err, &unavailable) {
		t.Errorf("without a store Open returned %v", err)
	}
}

func TestPassDir(t *testing.T) {
	env := func(name string) (string, bool) { return "/from/env", name == "PASSWORD_STORE_DIR" }
	for _, test := range []struct {
		c    Config
		want string
	}{
		{Config{Home: "/home/x"}, "/home/x/.password-store"},
		{Config{Home: "/home/x", Getenv: env}, "/from/env"},
		{Config{Home: "/home/x", Getenv: env, PassDir: "~/p"}, "/home/x/p"},
	} {
		if dir, err := test.c.passDir(); err != nil || dir != test.want {
			t.Errorf("passDir() = %q, %v, want %q", dir, err, test.want)
		}
	}
}

func TestPassInterop(t *testing.T) {
	skipUnlessInterop(t, "pass", "gpg", "go")
	home := filepath.Join(t.TempDir(), "gnupg") // created with mode 0700, which gpg requires
	if err := os.Mkdir(home, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GNUPGHOME", home)
	t.Cleanup(func() { exec.Command("gpgconf", "--kill", "gpg-agent").Run() })
	run := func(name string, args ...string) {
		t.Helper()
		if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", name, err, out)
		}
	}
	run("gpg", "--batch", "--passphrase", "", "--quick-generate-key", "user@example.com", "default", "default", "never")
	store := filepath.Join(t.TempDir(), "store")
	t.Setenv("PASSWORD_STORE_DIR", store)
	run("pass", "init", "user@example.com")

	c := Config{Backend: passBackend, PassDir: store, PassPrefix: "aws", State: disk.NewFolder(t.TempDir())}
	k := mustOpen(t, c)
	t.Run("keys", func(t *testing.T) { testRing(t, k.Keys, ringTest{names: passPaths}) })
	t.Run("private", func(t *testing.T) { testRing(t, k.Private, ringTest{names: passPaths, private: true}) })
	t.Run("aws-vault 7", func(t *testing.T) {
		testAWSVault7(t, buildAWSVault7(t, passBackend, "AWS_VAULT_PASS_PREFIX=aws"), k, ringTest{})
	})
}
