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

// checkOwner returns nil if the file belongs to this user, and an [*OwnerError] otherwise.
func checkOwner(path string, info fs.FileInfo) error {
	if owner, self := ownerOf(info), os.Geteuid(); owner != self {
		return &OwnerError{Path: path, Owner: owner, Self: self}
	}
	return nil
}

func othersHave(info fs.FileInfo, rights fs.FileMode) bool { return info.Mode().Perm()&rights != 0 }

// writable returns nil if this user can create files in the directory dir.
func writable(dir string) error {
	if err := unix.Faccessat(unix.AT_FDCWD, dir, unix.W_OK|unix.X_OK, unix.AT_EACCESS); err != nil {
		return &fs.PathError{Op: "write to", Path: dir, Err: err}
	}
	return nil
}

// resolve follows a path and the symbolic links in it. It returns an fs.ErrNotExist if a part of the path is
// missing. It returns an [*OwnerError] if another user can change where the path leads.
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
	// In a user namespace, files that the machine's root user owns may have an owner ID other than 0. The root
	// directory then has the same owner ID. So trust the owner of the root directory.
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

// step returns the path of the entry name in the directory dir. It handles "." and "..". The path dir has no
// symbolic links.
func step(dir, name string) string {
	switch name {
	case "", ".":
		return dir
	case "..":
		return filepath.Dir(dir)
	}
	return strings.TrimSuffix(dir, "/") + "/" + name
}

// openOwned opens a regular file of this user. It creates the file with mode 0600 if flag contains
// os.O_CREATE. It does not follow a symbolic link at the end of the path, and does not wait for a named pipe.
func openOwned(path string, flag int) (*os.File, fs.FileInfo, error) {
	f, err := os.OpenFile(path, flag|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_NOCTTY, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	if err != nil {
		if info, there := os.Lstat(path); there == nil {
			if checkErr := checkFile(path, info); checkErr != nil {
				err = checkErr // this error is more precise than the error from the system call
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

// linkCount returns the number of hard links of a file.
func linkCount(info fs.FileInfo) uint64 {
	return uint64(info.Sys().(*syscall.Stat_t).Nlink) //nolint:unconvert // Nlink is a uint16 on macOS
}
