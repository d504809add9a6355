package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// OwnerError reports that a file or directory belongs to another user.
type OwnerError struct {
	Path        string
	Owner, Self int // user IDs of the owner and of this user
}

func (e *OwnerError) Error() string {
	return fmt.Sprintf("%s: belongs to user %d, expected user %d", e.Path, e.Owner, e.Self)
}

// KindError reports that the file at Path does not have the expected type. The file is, for example, a symbolic
// link.
type KindError struct {
	Path     string
	Mode     fs.FileMode
	Expected string
	Chosen   bool // whether the user or a setting has chosen the file; otherwise it is in a folder of this program
}

func (e *KindError) Error() string {
	return fmt.Sprintf("%s: is %s, expected %s", e.Path, kind(e.Mode), e.Expected)
}

const (
	regularFile = "a regular file"
	directory   = "a directory"
)

// kind describes the file type in mode in words.
func kind(mode fs.FileMode) string {
	switch mode.Type() {
	case 0:
		return regularFile
	case fs.ModeDir:
		return directory
	case fs.ModeSymlink:
		return "a symbolic link"
	case fs.ModeNamedPipe:
		return "a named pipe"
	case fs.ModeSocket:
		return "a socket"
	case fs.ModeDevice, fs.ModeDevice | fs.ModeCharDevice:
		return "a device"
	}
	return "a special file" // such as a junction on Windows
}

// checkFile returns nil for a regular file of this user. Otherwise it returns a [*KindError] or [*OwnerError].
func checkFile(path string, info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return &KindError{Path: path, Mode: info.Mode(), Expected: regularFile}
	}
	return checkOwner(path, info)
}

// checkDirectory returns nil for a directory of this user. Otherwise it returns a [*KindError] or [*OwnerError].
func checkDirectory(path string, info fs.FileInfo) error {
	if !info.IsDir() {
		return &KindError{Path: path, Mode: info.Mode(), Expected: directory}
	}
	return checkOwner(path, info)
}

// A resolvedPath is a path without symbolic links. It consists of a directory that exists, and of the missing names
// after it.
type resolvedPath struct {
	dir       string      // path of the last existing directory, without symbolic links
	info      fs.FileInfo // information about dir
	missing   []string    // the rest of the path, which does not exist
	untrusted error       // not nil if another user can change where the path leads
}

// full returns the complete path, including the missing names.
func (w resolvedPath) full() string { return filepath.Join(append([]string{w.dir}, w.missing...)...) }

// mkdirAll creates dir and its missing parents with mode 0700. It syncs each changed directory. Otherwise a power
// failure could remove a new directory, together with a file in it that was synced.
func (s system) mkdirAll(dir string) error {
	_, err := os.Stat(dir)
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	parent := filepath.Dir(dir)
	if parent == dir {
		return err
	}
	if err := s.mkdirAll(parent); err != nil {
		return err
	}
	return s.mkdir(dir)
}

func (s system) mkdir(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return nil // another process has created the directory
		}
		return err
	}
	return s.syncDir(filepath.Dir(dir))
}
