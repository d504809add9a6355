package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// OwnerError says that a file or directory of this program belongs to another user.
type OwnerError struct {
	Path        string
	Owner, Self int // user ids
}

func (e *OwnerError) Error() string {
	return fmt.Sprintf("%s: belongs to user %d, expected user %d", e.Path, e.Owner, e.Self)
}

// KindError says that what is at Path is another kind of file than the expected one.
type KindError struct {
	Path     string
	Mode     fs.FileMode
	Expected string
}

func (e *KindError) Error() string {
	return fmt.Sprintf("%s: is %s, expected %s", e.Path, kind(e.Mode), e.Expected)
}

const (
	regularFile = "a regular file"
	directory   = "a directory"
)

// kind names what has this mode.
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
	return "a special file" // on Windows, a junction among others
}

// checkFile returns nil for a regular file of this user.
func checkFile(path string, info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return &KindError{Path: path, Mode: info.Mode(), Expected: regularFile}
	}
	return checkOwner(path, info)
}

// checkDirectory returns nil for a directory of this user.
func checkDirectory(path string, info fs.FileInfo) error {
	if !info.IsDir() {
		return &KindError{Path: path, Mode: info.Mode(), Expected: directory}
	}
	return checkOwner(path, info)
}

// A way leads to a folder, as far as there is one.
type resolvedPath struct {
	dir       string      // the last directory on it that is there, without symbolic links
	info      fs.FileInfo // of that
	missing   []string    // the names below it that are not there
	untrusted error       // another user could lead it elsewhere
}

// full is the path at the end of the way.
func (w resolvedPath) full() string { return filepath.Join(append([]string{w.dir}, w.missing...)...) }

// mkdirAll creates dir with mode 0700 and syncs each directory that it adds one to, because a
// synced file in a directory that a power cut takes away is lost all the same.
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
			return nil // created by another process meanwhile
		}
		return err
	}
	return s.syncDir(filepath.Dir(dir))
}
