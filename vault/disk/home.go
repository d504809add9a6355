package disk

import (
	"path/filepath"
	"runtime"
	"strings"
)

// ExpandHome replaces the ~ that a path begins with by the home directory. A path such as ~bob is
// returned as it is.
func ExpandHome(path, home string) string {
	if path == "~" || strings.HasPrefix(path, "~/") || strings.HasPrefix(path, `~\`) {
		return filepath.Join(home, path[1:])
	}
	return path
}

// A Base is one of the directories in which a user's programs have a folder each. Windows and macOS
// have one for both.
// https://specifications.freedesktop.org/basedir-spec/latest/
type BaseDir struct{ variable, path string }

var (
	Data  = BaseDir{"XDG_DATA_HOME", ".local/share"}  // for what the user would miss
	State = BaseDir{"XDG_STATE_HOME", ".local/state"} // for what can be made again
)

// ProgramDir returns this program's folder in the base directory. It is not found if no variable names
// the base directory and no home directory is known.
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
