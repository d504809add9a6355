// Package disk replaces files atomically, keeps them private to their user, and provides locks between
// processes. It knows nothing about the content of the files.
package disk

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// UnsyncedError reports that a file was replaced, but its directory could not be synced. The old file may therefore
// come back after a power failure.
type UnsyncedError struct {
	Path string
	Err  error
}

func (e *UnsyncedError) Error() string {
	return fmt.Sprintf("%s: replaced, but its directory could not be synced: %v", e.Path, e.Err)
}

func (e *UnsyncedError) Unwrap() error { return e.Err }

// Replace replaces the file at path with a file that contains data and has this mode, independent of the umask.
// Readers see either the complete old file or the complete new file, even after a crash. If Replace fails, the old
// file is unchanged and no temporary file is left. The only exception is an [*UnsyncedError]: the new file is then
// in place. If path is a symbolic link, the link itself is replaced.
func Replace(path string, data []byte, mode fs.FileMode) error {
	return realSystem.replace(path, data, func(f file) error { return f.Chmod(mode) })
}

// Create writes data to a new file at path with mode 0600, and syncs the file. It returns an fs.ErrExist if
// something already exists at path. After any other error there is no file at path.
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

// replace writes data to a temporary file, calls finish to set the file's permissions, and renames the file to path.
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

// writeTemp writes data to a new temporary file in dir, syncs the file and returns its path. If writeTemp fails, it
// leaves no file.
func (s system) writeTemp(dir string, data []byte, finish func(file) error) (string, error) {
	temp := filepath.Join(dir, TempName())
	if err := s.writeNew(temp, data, finish); err != nil {
		return "", err
	}
	return temp, nil
}

// writeNew writes data to a new file at path and syncs the file. If writeNew fails, it leaves no file.
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

// closeFile closes f. It returns err if err is not nil, and otherwise the error from Close.
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
