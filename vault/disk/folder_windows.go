package disk

import (
	"io/fs"
	"os"
	"path/filepath"
)

// On Windows, the owners of files are not checked. The access control lists of a user's own folders keep other
// users out. The owner cannot be compared with the user, because the files of an administrator may belong to the
// group of administrators.

func checkOwner(string, fs.FileInfo) error { return nil }

func othersHave(fs.FileInfo, fs.FileMode) bool { return false }

// writable always returns nil, because Windows has no call that checks the permission. If the permission is
// missing, a later write fails.
func writable(string) error { return nil }

// resolve follows the path and all links in it.
func resolve(path string) (resolvedPath, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return resolvedPath{}, err
	}
	info, err := os.Stat(path)
	return resolvedPath{dir: path, info: info}, err
}

// openOwned opens a regular file, and creates it if flag contains os.O_CREATE. It checks the file's mode before it
// opens the file, because Windows has no flag that refuses symbolic links, junctions and other reparse points.
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

// linkCount always returns 1, because hard links are not detected on Windows.
func linkCount(fs.FileInfo) uint64 { return 1 }
