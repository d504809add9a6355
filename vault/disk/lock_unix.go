//go:build unix

package disk

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// flock(2) belongs to the open file, not to the process as fcntl(2) locks do: it excludes within
// a process, and closing another descriptor of the file does not drop it.

func tryLockFile(f *os.File) (bool, error) {
	err := flock(f, unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}

func lockFile(f *os.File) error { return flock(f, unix.LOCK_EX) }

func unlockFile(f *os.File) error { return flock(f, unix.LOCK_UN) }

// removeLock removes the file before it gives the lock up: nobody can hold the lock of a file that
// is removed.
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
