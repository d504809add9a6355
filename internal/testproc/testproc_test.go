package testproc

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMain(m *testing.M) {
	Main(m, map[string]Func{
		"wait": func(path string) error {
			Ready()
			WaitForRelease()
			return os.WriteFile(path, nil, 0o600)
		},
		"fail": func(why string) error { return errors.New(why) },
	})
}

func TestRelease(t *testing.T) {
	path := filepath.Join(t.TempDir(), "continued")
	p := Start(t, "wait", path)
	p.AwaitReady(t)
	if _, err := os.Stat(path); err == nil {
		t.Error("the process did not wait for its release")
	}
	p.Release()
	p.AwaitSuccess(t)
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}

func TestKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "continued")
	p := Start(t, "wait", path)
	p.AwaitReady(t)
	p.Kill()
	if _, err := os.Stat(path); err == nil {
		t.Error("the process continued")
	}
}

// The type failed is a testing.TB that records errors. The errors do not fail the test.
type failed struct {
	testing.TB
	message string
}

func (f *failed) Errorf(_ string, args ...any) {
	for _, a := range args {
		if text, ok := a.(interface{ String() string }); ok {
			f.message += text.String()
		}
	}
}

func TestFailure(t *testing.T) {
	for name, want := range map[string]string{"fail": "function failed", "no such name": "unknown function"} {
		p, f := Start(t, name, "function failed"), &failed{TB: t}
		p.AwaitSuccess(f)
		if !strings.Contains(f.message, want) {
			t.Errorf("%s: the test's error is %q, want %q", name, f.message, want)
		}
	}
}
