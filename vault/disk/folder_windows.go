package disk

import (
	"io/fs"
	"os"
	"path/filepath"
)

// The access control lists of a user's own folders keep other users out, and owners are not
// compared: an administrator's files may belong to the group of administrators.

func checkOwner(string, fs.FileInfo) error { return nil }

func othersHave(fs.FileInfo, fs.FileMode) bool { return false }

// writable leaves it to the writing itself to fail: no call tells beforehand.
func writable(string) error { return nil }

// resolve follows whatever leads to path.
func resolve(path string) (resolvedPath, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return resolvedPath{}, err
	}
	info, err := os.Stat(path)
	return resolvedPath{dir: path, info: info}, err
}

// openOwned opens a regular file, creating it if flag says so. Symbolic links, junctions and other
// reparse points are refused by their mode, before opening: there is no flag for that here.
func openOwned(path string, flag int) (f *os.File, info fs.FileInfo, err error) {
	if info, err = os.Lstat(path); err == nil {
		err = checkFile(path, info)
	} else if os.IsNotExist(err) && flag&os.O_CREATE != 0 {
		err = nil
	}
	if err != nil {
		return nil, nil, err
	}
	err = retrySharing(func() error {
		f, err = os.OpenFile(path, flag, 0o600)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	if info, err = f.Stat(); err != nil {
		f.Close()
	}
	return f, info, err
}

// linkCount is not told apart here: each file counts as having one.
func linkCount(fs.FileInfo) uint64 { return 1 }
