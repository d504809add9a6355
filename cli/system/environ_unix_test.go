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

// printEnvironment is a script that writes its environment to the file $0.env. The script writes another file first and
// then renames it, so that $0.env is always complete.
const printEnvironment = "#!/bin/sh\nenv >\"$0.tmp\"; echo \"page $1\" >>\"$0.tmp\"; mv \"$0.tmp\" \"$0.env\"\n"

// inheritedEnvironment creates a program with this name and calls start, which starts the program. It returns the
// environment that the program inherited.
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

// TestInheritedEnvironment checks that only programs that the config file names inherit credentials and the variables
// that unlock a keystore.
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
	if _, ok := os.LookupEnv(envvar.ProfileName); !ok {
		t.Error("AWS_PROFILE was removed from the environment, expected it to stay for kingpin")
	}
	for name, c := range map[string]struct {
		program     string
		start       func(path string) error
		gets, waits bool // gets: whether the program inherits secrets; waits: whether aws-vault waits for the program, which then inherits the locks and callers
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
			want := c.gets || secret == envvar.ProfileName && c.waits // the profile's name is not secret, so it is inherited
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
		t.Error("starting the browser removed variables from the environment of this process")
	}
}

// TestBrowseWithoutXDG checks that browse tries another program if xdg-open is missing.
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
		t.Error("browse succeeded without any program that opens pages")
	}
}
