package disk

import (
	"path/filepath"
	"runtime"
	"testing"
)

func TestExpandHome(t *testing.T) {
	home := filepath.FromSlash("/home/alice")
	for path, want := range map[string]string{
		"~": home, "~/keys": filepath.Join(home, "keys"), "~bob": "~bob", "keys/~": "keys/~", "": "", "/~": "/~",
	} {
		if got := ExpandHome(path, home); got != want {
			t.Errorf("%q becomes %q, want %q", path, got, want)
		}
	}
}

func TestProgramFolder(t *testing.T) {
	variables := map[string]string{}
	getenv := func(name string) (string, bool) { v, ok := variables[name]; return v, ok }
	home := t.TempDir()
	if dir, found := Data.ProgramDir(getenv, ""); found {
		t.Errorf("found %q without a home directory", dir)
	}
	below := map[string]string{"darwin": "Library/Application Support", "windows": ".local/state"}[runtime.GOOS]
	if below == "" {
		below = ".local/state"
	}
	if dir, found := State.ProgramDir(getenv, home); !found || dir != filepath.Join(home, filepath.FromSlash(below), "aws-vault") {
		t.Errorf("State.ProgramDir = %q, %v", dir, found)
	}
	variables["XDG_STATE_HOME"] = "relative" // the standard requires relative paths to be ignored
	if dir, _ := State.ProgramDir(getenv, home); dir != filepath.Join(home, filepath.FromSlash(below), "aws-vault") {
		t.Errorf("with a relative variable, ProgramDir = %q", dir)
	}
	variables["XDG_DATA_HOME"] = filepath.Join(home, "data")
	if dir, found := Data.ProgramDir(getenv, ""); !found || dir != filepath.Join(home, "data", "aws-vault") {
		t.Errorf("with the variable, ProgramDir = %q, %v", dir, found)
	}
}
