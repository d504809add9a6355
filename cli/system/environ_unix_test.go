//go:build unix && !darwin

package system

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"aws-vault/cli/envvar"
	"aws-vault/prompt"
	"aws-vault/vault/program"
)

// printEnvironment writes the environment of the program to the file that it is named after, at once.
const printEnvironment = "#!/bin/sh\nenv >\"$0.tmp\"; echo \"page $1\" >>\"$0.tmp\"; mv \"$0.tmp\" \"$0.env\"\n"

// inheritedEnvironment starts a program by that name, and returns the environment that it got.
func inheritedEnvironment(t *testing.T, name string, start func(path string) error) []string {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(printEnvironment), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	if err := start(path); err != nil {
		t.Fatal(err)
	}
	for began := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		if text, err := os.ReadFile(path + ".env"); err == nil {
			return strings.Split(strings.TrimSpace(string(text)), "\n")
		}
		if time.Since(began) > 20*time.Second {
			t.Fatalf("%s was not started", name)
		}
	}
}

// What opens the vault, and credentials, go to the programs that a profile names and to nothing else.
func TestInheritedEnvironment(t *testing.T) {
	secrets := map[string]string{}
	for _, name := range slices.Concat(envvar.Unlocking, envvar.Scrubbed) {
		secrets[name] = "secret of " + name
		t.Setenv(name, secrets[name])
	}
	t.Setenv("AN_OTHER", "variable")
	t.Setenv(envvar.Callers, "a")
	t.Setenv(program.LocksVariable, "1:a")
	environment := RemoveSecrets()
	programs := &program.Starter{ParentLocks: program.ParseLocks(os.Getenv(program.LocksVariable))}

	const page = "http://127.0.0.1/page?a=b&c=d"
	busyBrowse := func(path string) error {
		defer programs.SetTerminalBusy()()
		return browse(programs, page)
	}
	if _, ok := os.LookupEnv(profileVariable); !ok {
		t.Error("kingpin does not find the profile that is named in the environment")
	}
	for name, c := range map[string]struct {
		program     string
		start       func(path string) error
		gets, waits bool // the secrets; it is waited for, so that our callers' locks are its callers'
	}{
		"browser":                  {"xdg-open", func(string) error { return browse(programs, page) }, false, false},
		"browser beside a command": {"xdg-open", busyBrowse, false, false},
		"pinentry": {"pinentry", func(path string) error {
			_, err := prompt.Runner(programs)(t.Context(), []string{path, page}, []byte("GETPIN\n"))
			return err
		}, false, true},
		"credential_process": {"keys", func(path string) error {
			_, err := shell(t.Context(), programs, path+" '"+page+"'", environment.Environ(), 1000)
			return err
		}, true, true},
	} {
		got := inheritedEnvironment(t, c.program, c.start)
		for secret, value := range secrets {
			want := c.gets || secret == profileVariable && c.waits // which is no secret
			if has := slices.Contains(got, secret+"="+value); has != want {
				t.Errorf("%s gets %s: %v, want %v", name, secret, has, want)
			}
		}
		for _, kv := range []string{envvar.Callers + "=a", program.LocksVariable + "=1:a"} {
			if slices.Contains(got, kv) != c.waits {
				t.Errorf("%s gets %s: %v, want %v", name, kv, !c.waits, c.waits)
			}
		}
		if !slices.Contains(got, "AN_OTHER=variable") || !slices.Contains(got, "page "+page) {
			t.Errorf("%s gets %q", name, got)
		}
	}
	for secret, value := range secrets {
		if got, ok := environment.Lookup(secret); !ok || got != value {
			t.Errorf("%s is %q", secret, got)
		}
	}
	if os.Getenv(program.LocksVariable) != "1:a" || os.Getenv(envvar.Callers) != "a" {
		t.Error("the browser has taken variables of ours with it")
	}
}

// Without xdg-open the next opener is used.
func TestBrowseWithoutXDG(t *testing.T) {
	dir := t.TempDir()
	for _, tool := range []string{"sh", "env", "mv"} {
		for _, at := range []string{"/bin/", "/usr/bin/"} {
			if _, err := os.Stat(at + tool); err == nil {
				_ = os.Symlink(at+tool, filepath.Join(dir, tool))
				break
			}
		}
	}
	t.Setenv("PATH", dir)
	const page = "http://127.0.0.1/"
	if got := inheritedEnvironment(t, "wslview", func(string) error { return browse(nil, page) }); !slices.Contains(got, "page "+page) {
		t.Errorf("got %q", got)
	}
	t.Setenv("PATH", dir)
	if err := browse(nil, page); err == nil {
		t.Error("a page was opened without a program that does")
	}
}
