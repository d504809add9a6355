//go:build unix

package disk

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// This file uses flock(2). A lock of flock belongs to the open file, but a lock of fcntl(2) belongs to the process.
// So flock also works between goroutines, and closing another descriptor of the file does not release the lock.

func tryLockFile(f *os.File) (bool, error) {
	err := flock(f, unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}

// isUnsupportedLock reports whether err means that the file system has no locks.
func isUnsupportedLock(err error) bool {
	return errors.Is(err, unix.ENOLCK) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOTSUP)
}

func lockFile(f *os.File) error { return flock(f, unix.LOCK_EX) }

func unlockFile(f *os.File) error { return flock(f, unix.LOCK_UN) }

// removeLock deletes the file while l is held, so that no other process can hold the lock of the deleted file.
func removeLock(path string, l *LockFile) error {
	err := os.Remove(path)
	if closing := l.Close(); err == nil {
		err = closing
	}
	return err
}

func flock(f *os.File, how int) error {
	for {
		if err := unix.Flock(int(f.Fd()), how); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
