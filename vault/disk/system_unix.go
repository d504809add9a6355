//go:build unix

package disk

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

func rename(from, to string) error { return os.Rename(from, to) }

// openShared opens a file for reading. It does not wait for a writer of a named pipe, and a terminal does not become
// the controlling terminal of this process.
func openShared(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
}

// isNull reports whether a file is the null device, which can have several names.
func isNull(_ string, info fs.FileInfo) bool {
	if info.Mode()&fs.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err == nil && null.Sys().(*syscall.Stat_t).Rdev == info.Sys().(*syscall.Stat_t).Rdev
}

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	err = f.Sync()
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOTSUP) {
		return nil // the file system cannot sync directories
	}
	return err
}

// mayWriteInPlace reports whether a file may be written in place after its replacement failed with err. It returns
// true in these cases: the file is a mount point; the file and its directory are on different file systems; this user
// cannot create files in the directory; or this user cannot give a new file the owner of the old file.
func mayWriteInPlace(err error) bool {
	return errors.Is(err, unix.EBUSY) || errors.Is(err, unix.EXDEV) || errors.Is(err, fs.ErrPermission) ||
		errors.Is(err, unix.EROFS)
}

// copyOwner gives the file temp the owner and group of the file old, if they differ.
func copyOwner(old fs.FileInfo, temp string) error {
	info, err := os.Lstat(temp)
	if err != nil {
		return err
	}
	want, have := old.Sys().(*syscall.Stat_t), info.Sys().(*syscall.Stat_t)
	if want.Uid == have.Uid && want.Gid == have.Gid {
		return nil
	}
	return os.Lchown(temp, int(want.Uid), int(want.Gid))
}
