package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// OwnerError says that a directory for private files belongs to another user.
type OwnerError struct {
	Path        string
	Owner, Self int // user ids
}

func (e *OwnerError) Error() string {
	return fmt.Sprintf("%s: belongs to user %d, want a directory of user %d", e.Path, e.Owner, e.Self)
}

// MkdirPrivate makes dir, and what is missing above it, with mode 0700. An existing directory
// of ours that others may enter is closed to them; one of another user is an *OwnerError. On
// Windows the rights are those of the directory above, which in a user's profile are the user's.
func MkdirPrivate(dir string) error {
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		if err = real.mkdirAll(dir); err == nil {
			info, err = os.Stat(dir)
		}
	}
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return &fs.PathError{Op: "mkdir", Path: dir, Err: errors.New("is a file, want a directory")}
	}
	return closeToOthers(dir, info)
}

// mkdirAll makes dir with mode 0700 and syncs each directory that it adds one to, because a
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
	if err := os.Mkdir(dir, 0o700); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return nil // made by another process meanwhile
		}
		return err
	}
	return s.syncDir(parent)
}
