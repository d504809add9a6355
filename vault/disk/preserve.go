package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// maxLinks is the maximum number of symbolic links that are followed in a path. Linux has the same limit.
// https://man7.org/linux/man-pages/man7/path_resolution.7.html
const maxLinks = 40

// maxCopy is the maximum size in bytes of a file that is written in place. The limit exists because the old content
// is first read into memory and copied.
const maxCopy = 64 << 20

// ErrLoop reports that a path leads through too many symbolic links. Functions return it wrapped in another error.
var ErrLoop = errors.New("too many symbolic links")

// InPlaceError reports that a file could neither be replaced nor written in place. If Copy is not empty, the file at
// Path may be only partly written, and the file at Copy has the old content.
type InPlaceError struct {
	Path, Copy string
	Err        error
}

func (e *InPlaceError) Error() string {
	if e.Copy != "" {
		return fmt.Sprintf("%s: only partly written, the old content is in %s: %v", e.Path, e.Copy, e.Err)
	}
	return fmt.Sprintf("%s: cannot be replaced safely: %v", e.Path, e.Err)
}

func (e *InPlaceError) Unwrap() error { return e.Err }

// ReplacePreserving replaces the content of the file at path with the argument data. It follows symbolic links. An
// existing file keeps its mode and owner, and on Linux its access control list and other extended attributes. A new
// file has mode 0600, and new directories have mode 0700.
//
// Some files cannot be replaced by renaming a new file to path. Examples are a mount point, and a file that another
// user owns, because the new file cannot get that owner. ReplacePreserving copies such a file first, and then writes
// it in place. If the file cannot be copied, ReplacePreserving returns an [*InPlaceError].
//
// After an [*UnsyncedError], the file has been replaced, as after [Replace].
func ReplacePreserving(path string, data []byte) error {
	return realSystem.replacePreserving(path, data)
}

// ReplacePreservingWithoutCopy works like ReplacePreserving, but never copies the old content of the file. If the
// file cannot be replaced by renaming, it returns an [*InPlaceError].
func ReplacePreservingWithoutCopy(path string, data []byte) error {
	s := realSystem
	s.allowCopy = false
	return s.replacePreserving(path, data)
}

func (s system) replacePreserving(path string, data []byte) error {
	path, err := followLinks(path)
	if err != nil {
		return err
	}
	old, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := s.mkdirAll(filepath.Dir(path)); err != nil {
			return err
		}
		return s.replace(path, data, func(file) error { return nil })
	}
	if err != nil {
		return err
	}
	if !old.Mode().IsRegular() {
		return &KindError{Path: path, Mode: old.Mode(), Expected: regularFile, Chosen: true}
	}
	err = s.replace(path, data, func(f file) error {
		if err := s.copyRights(path, old, f.Name()); err != nil {
			return err
		}
		return f.Chmod(old.Mode()) // set the mode after the owner, because changing the owner clears mode bits
	})
	var unsynced *UnsyncedError
	if err == nil || errors.As(err, &unsynced) || !mayWriteInPlace(err) {
		return err // an UnsyncedError may contain "permission denied", but the file has already been replaced
	}
	if !s.allowCopy {
		return &InPlaceError{Path: path, Err: err}
	}
	return s.replaceInPlace(path, data, err)
}

// OtherLinks returns the number of hard links that the file at path has under other names. It follows symbolic links.
// [ReplacePreserving] leaves the old content at these names, unless it writes the file in place. On Windows, the
// number is always 0.
func OtherLinks(path string) (uint64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return max(linkCount(info), 1) - 1, nil // a file that was just deleted has no links
}

// followLinks follows the symbolic links at path and returns the final path. The file at the final path need not
// exist.
func followLinks(path string) (string, error) {
	at := path
	for range maxLinks {
		info, err := os.Lstat(at)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		if err != nil || info.Mode()&fs.ModeSymlink == 0 {
			return at, nil
		}
		to, err := os.Readlink(at)
		if err != nil {
			return "", err
		}
		if !filepath.IsAbs(to) {
			// Resolve links in the directory first: if dir is a link, dir/../b may be a different file from b.
			dir, err := filepath.EvalSymlinks(filepath.Dir(at))
			if err != nil {
				return "", err
			}
			to = filepath.Join(dir, to)
		}
		at = to
	}
	return "", fmt.Errorf("%s: %w", path, ErrLoop)
}

// replaceInPlace writes data to the existing file at path. The argument cause is the error of the earlier attempt
// to rename a new file to path.
func (s system) replaceInPlace(path string, data []byte, cause error) error {
	old, err := ReadBounded(path, maxCopy)
	if err != nil {
		return &InPlaceError{Path: path, Err: fmt.Errorf("%w; %w", cause, err)}
	}
	saved := path + ".aws-vault-" + suffix() + ".old"
	err = s.writeNew(saved, old, func(file) error { return nil })
	if err == nil {
		err = s.syncDir(filepath.Dir(path))
	}
	if err != nil {
		os.Remove(saved)
		return &InPlaceError{Path: path, Err: fmt.Errorf("%w; %w", cause, err)}
	}
	if err := s.overwrite(path, data); err != nil {
		if s.overwrite(path, old) != nil {
			return &InPlaceError{Path: path, Copy: saved, Err: err}
		}
		os.Remove(saved)
		return &InPlaceError{Path: path, Err: err}
	}
	os.Remove(saved)
	return nil
}

// overwrite writes data over the content of the file, and truncates the file only afterwards. The new content can
// then reuse the disk blocks of the old content.
func (s system) overwrite(path string, data []byte) error {
	f, err := s.open(path)
	if err != nil {
		return err
	}
	return closeFile(f, writeSynced(f, data, func(f file) error { return f.Truncate(int64(len(data))) }))
}
