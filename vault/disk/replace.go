// Package disk replaces files so that the old version is intact until the new one is complete, and
// locks between processes. What the files mean is left to others.
package disk

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// UnsyncedError says that the new file is in its place, but that the directory could not be
// synced: after a power cut the old one may be back.
type UnsyncedError struct {
	Path string
	Err  error
}

func (e *UnsyncedError) Error() string {
	return fmt.Sprintf("%s: replaced, but its directory could not be synced: %v", e.Path, e.Err)
}

func (e *UnsyncedError) Unwrap() error { return e.Err }

// Replace puts data at path with exactly mode, whatever the umask. A reader sees the old file
// or the new one, never a part, and so does whoever looks after a crash. After a failure the
// old file stands as it was and nothing is left beside it; only an *UnsyncedError comes with the
// new one in place. A symbolic link at path is replaced, not followed.
func Replace(path string, data []byte, mode fs.FileMode) error {
	return realSystem.replace(path, data, func(f file) error { return f.Chmod(mode) })
}

// Create writes data to a new file at path that only its owner may read, and syncs it. What
// stands at path already stays as it is: the error is then a fs.ErrExist. After any other
// failure nothing stands there.
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

// replace writes data to a temporary file, lets finish give it its rights, and renames it to path.
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

// writeTemp leaves a synced temporary file with data in dir and returns its path, or leaves nothing.
func (s system) writeTemp(dir string, data []byte, finish func(file) error) (string, error) {
	temp := filepath.Join(dir, TempName())
	if err := s.writeNew(temp, data, finish); err != nil {
		return "", err
	}
	return temp, nil
}

// writeNew creates path, which must not exist, with data, synced; or leaves nothing there.
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

// closeFile closes f and returns err, or else what went wrong at closing.
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
