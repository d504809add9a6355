package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// maxLinks is how many symbolic links lead to a file before we call it a loop; Linux stops at 40 too.
// https://man7.org/linux/man-pages/man7/path_resolution.7.html
const maxLinks = 40

// maxCopy bounds the old content that is copied before a file is written in place.
const maxCopy = 64 << 20

// ErrLoop is wrapped by the error for a path whose symbolic links never end.
var ErrLoop = errors.New("symbolic links without end")

// InPlaceError says that a file that could not be renamed over was not written in place either.
// If Copy is not empty, the old content lies there and Path may hold a part of the new.
type InPlaceError struct {
	Path, Copy string
	Err        error
}

func (e *InPlaceError) Error() string {
	if e.Copy != "" {
		return fmt.Sprintf("%s: half written, its old content is in %s: %v", e.Path, e.Copy, e.Err)
	}
	return fmt.Sprintf("%s: cannot be replaced safely: %v", e.Path, e.Err)
}

func (e *InPlaceError) Unwrap() error { return e.Err }

// ReplacePreserving puts data at path, a file that belongs to the user: symbolic links are followed,
// and an existing file keeps its mode, owner and, on Linux, its access control list and other
// extended attributes. A new file is 0600 in directories created 0700.
//
// A file that cannot be renamed over, such as one that is itself a mount point, or whose owner
// we may not give to another file, is written in place once a synced copy of the old content lies
// beside it. Where no copy can be made it is refused with an *InPlaceError.
func ReplacePreserving(path string, data []byte) error {
	return realSystem.replacePreserving(path, data)
}

// ReplacePreservingWithoutCopy is ReplacePreserving for a file whose old content must not be left
// anywhere: what cannot be renamed over is refused with an *InPlaceError.
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
		return &KindError{Path: path, Mode: old.Mode(), Expected: regularFile}
	}
	err = s.replace(path, data, func(f file) error {
		if err := s.copyRights(path, old, f.Name()); err != nil {
			return err
		}
		return f.Chmod(old.Mode()) // after the owner, whose change clears bits
	})
	if err == nil || !mayWriteInPlace(err) {
		return err
	}
	if !s.allowCopy {
		return &InPlaceError{Path: path, Err: err}
	}
	return s.replaceInPlace(path, data, err)
}

// followLinks returns the path that the chain of symbolic links at path ends at; nothing need be there.
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
			// Not cleaned by Join alone: a/../b is not b where a is a link to a directory.
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

// replaceInPlace overwrites path, which could not be replaced because of why.
func (s system) replaceInPlace(path string, data []byte, why error) error {
	old, err := ReadBounded(path, maxCopy)
	if err != nil {
		return &InPlaceError{Path: path, Err: fmt.Errorf("%w; %w", why, err)}
	}
	saved := path + ".aws-vault-" + suffix() + ".old"
	err = s.writeNew(saved, old, func(file) error { return nil })
	if err == nil {
		err = s.syncDir(filepath.Dir(path))
	}
	if err != nil {
		os.Remove(saved)
		return &InPlaceError{Path: path, Err: fmt.Errorf("%w; %w", why, err)}
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

// overwrite writes data over what path holds and cuts the rest only then, so that the blocks the
// file already has are there for the new content too.
func (s system) overwrite(path string, data []byte) error {
	f, err := s.open(path)
	if err != nil {
		return err
	}
	return closeFile(f, writeSynced(f, data, func(f file) error { return f.Truncate(int64(len(data))) }))
}
