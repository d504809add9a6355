package disk

import (
	"path/filepath"
	"runtime"
	"strings"
)

// ExpandHome replaces a leading ~ in path with the home directory. It does not change a path such as ~bob/file.
func ExpandHome(path, home string) string {
	if path == "~" || strings.HasPrefix(path, "~/") || strings.HasPrefix(path, `~\`) {
		return filepath.Join(home, path[1:])
	}
	return path
}

// A BaseDir is a directory of the user. Each program has its own folder in it. On Windows and macOS, Data and State
// are the same directory.
// https://specifications.freedesktop.org/basedir-spec/latest/
type BaseDir struct{ variable, path string }

var (
	Data  = BaseDir{"XDG_DATA_HOME", ".local/share"}  // for data that cannot be recreated
	State = BaseDir{"XDG_STATE_HOME", ".local/state"} // for data that can be recreated
)

// ProgramDir returns the path of this program's folder in the base directory. The result found is false if neither
// the environment variable nor the home directory is set.
func (b BaseDir) ProgramDir(getenv func(string) (string, bool), home string) (path string, found bool) {
	const program = "aws-vault"
	if dir, _ := getenv(b.variable); filepath.IsAbs(dir) {
		return filepath.Join(dir, program), true
	}
	if dir, _ := getenv("LOCALAPPDATA"); runtime.GOOS == "windows" && dir != "" {
		return filepath.Join(dir, program), true
	}
	if home == "" {
		return "", false
	}
	if runtime.GOOS == "darwin" {
		return filepath.Join(home, "Library", "Application Support", program), true
	}
	return filepath.Join(home, b.path, program), true
}
