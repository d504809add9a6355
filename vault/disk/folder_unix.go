//go:build unix

package disk

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

func ownerOf(info fs.FileInfo) int { return int(info.Sys().(*syscall.Stat_t).Uid) }

// checkOwner returns nil if the file belongs to this user.
func checkOwner(path string, info fs.FileInfo) error {
	if owner, self := ownerOf(info), os.Geteuid(); owner != self {
		return &OwnerError{Path: path, Owner: owner, Self: self}
	}
	return nil
}

func othersHave(info fs.FileInfo, rights fs.FileMode) bool { return info.Mode().Perm()&rights != 0 }

// writable returns nil if this user can create files in a directory.
func writable(dir string) error {
	if err := unix.Faccessat(unix.AT_FDCWD, dir, unix.W_OK|unix.X_OK, unix.AT_EACCESS); err != nil {
		return &fs.PathError{Op: "write to", Path: dir, Err: err}
	}
	return nil
}

// resolve follows a path and its symbolic links. If something on it is missing, that is an
// fs.ErrNotExist. If another user decides where it leads, that is an [*OwnerError], which is in the
// way too.
func resolve(path string) (resolvedPath, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return resolvedPath{}, err
	}
	root, err := os.Lstat("/")
	if err != nil {
		return resolvedPath{}, err
	}
	self := os.Geteuid()
	// In a user namespace, what belongs to the machine's root may seem to belong to nobody: then
	// the root directory does too.
	trusted := func(owner int) bool { return owner == self || owner == 0 || owner == ownerOf(root) }
	w := resolvedPath{dir: "/", info: root, missing: strings.Split(path, "/")}
	for links := 0; len(w.missing) > 0; {
		next := step(w.dir, w.missing[0])
		if next == w.dir {
			w.missing = w.missing[1:]
			continue
		}
		info, err := os.Lstat(next)
		if err != nil {
			return w, err
		}
		link := info.Mode()&fs.ModeSymlink != 0
		if owner := ownerOf(info); (link || self == 0) && !trusted(owner) {
			w.untrusted = cmp.Or[error](w.untrusted, &OwnerError{Path: next, Owner: owner, Self: self})
		}
		w.missing = w.missing[1:]
		if !link {
			w.dir, w.info = next, info
			continue
		}
		if links++; links > maxLinks {
			return w, fmt.Errorf("%s: %w", path, ErrLoop)
		}
		to, err := os.Readlink(next)
		if err != nil {
			return w, err
		}
		if filepath.IsAbs(to) {
			w.dir, w.info = "/", root
		}
		w.missing = append(strings.Split(to, "/"), w.missing...)
	}
	return w, w.untrusted
}

// step is the path one step on from a directory that is reached without symbolic links.
func step(dir, name string) string {
	switch name {
	case "", ".":
		return dir
	case "..":
		return filepath.Dir(dir)
	}
	return strings.TrimSuffix(dir, "/") + "/" + name
}

// openOwned opens a regular file of this user, creating it 0600 if flag says so. It follows no
// symbolic link at the end of the path and does not wait for the other end of a pipe.
func openOwned(path string, flag int) (*os.File, fs.FileInfo, error) {
	f, err := os.OpenFile(path, flag|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_NOCTTY, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	if err != nil {
		if info, there := os.Lstat(path); there == nil {
			if bad := checkFile(path, info); bad != nil {
				err = bad // says more than what the system makes of it
			}
		}
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil {
		err = checkFile(path, info)
	}
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, info, nil
}

// links is how many names a file has: hard links are more than one.
func linkCount(info fs.FileInfo) uint64 {
	return uint64(info.Sys().(*syscall.Stat_t).Nlink) //nolint:unconvert // it is a smaller number on macOS
}
