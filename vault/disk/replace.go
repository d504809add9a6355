// Package disk replaces files atomically, keeps them private to their user, and provides locks between
// processes. It knows nothing about the content of the files.
package disk

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// UnsyncedError reports that a file was replaced, but its directory could not be synced. After a power
// failure the old file may be back.
type UnsyncedError struct {
	Path string
	Err  error
}

func (e *UnsyncedError) Error() string {
	return fmt.Sprintf("%s: replaced, but its directory could not be synced: %v", e.Path, e.Err)
}

func (e *UnsyncedError) Unwrap() error { return e.Err }

// Replace replaces the file at path with data and sets the mode, independent of the umask. Readers see the
// complete old or the complete new file, even after a crash. If Replace fails, the old file is unchanged, and
// no temporary file is left. The exception is an [*UnsyncedError]: the new file is in place. Replace replaces
// a symbolic link, and does not follow it.
func Replace(path string, data []byte, mode fs.FileMode) error {
	return realSystem.replace(path, data, func(f file) error { return f.Chmod(mode) })
}

// Create writes data to a new file at path with mode 0600, and syncs it. It returns an fs.ErrExist if the
// path exists. After any other error the file does not exist.
func Create(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		os.Remove(path)
	}
	return err
}

// replace writes data to a temporary file, calls finish to set its permissions, and renames it to path.
func (s system) replace(path string, data []byte, finish func(file) error) error {
	temp, err := s.writeTemp(filepath.Dir(path), data, finish)
	if err != nil {
		return err
	}
	if err := s.rename(temp, path); err != nil {
		os.Remove(temp)
		return err
	}
	if err := s.syncDir(filepath.Dir(path)); err != nil {
		return &UnsyncedError{Path: path, Err: err}
	}
	return nil
}

// writeTemp writes data to a new temporary file in dir, syncs it and returns its path. It leaves no file if
// it fails.
func (s system) writeTemp(dir string, data []byte, finish func(file) error) (string, error) {
	temp := filepath.Join(dir, TempName())
	if err := s.writeNew(temp, data, finish); err != nil {
		return "", err
	}
	return temp, nil
}

// writeNew writes data to a new file at path and syncs it. It leaves no file if it fails.
func (s system) writeNew(path string, data []byte, finish func(file) error) error {
	f, err := s.create(path)
	if err != nil {
		return err
	}
	if err := closeFile(f, writeSynced(f, data, finish)); err != nil {
		os.Remove(path)
		return err
	}
	return nil
}

// closeFile closes f. It returns err, or else the error of Close.
func closeFile(f file, err error) error {
	if closing := f.Close(); err == nil {
		err = closing
	}
	return err
}

func writeSynced(f file, data []byte, finish func(file) error) error {
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := finish(f); err != nil {
		return err
	}
	return f.Sync()
}
