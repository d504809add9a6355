package disk

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// The locked byte is far beyond the end of the file, because Windows does not let other processes read a locked
// range, and processes that wait for the lock must be able to read the note.
const lockedOffset = 0x7fffffff

func lockRange() *windows.Overlapped {
	return &windows.Overlapped{OffsetHigh: lockedOffset}
}

func tryLockFile(f *os.File) (bool, error) {
	const flags = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	err := windows.LockFileEx(windows.Handle(f.Fd()), flags, 0, 1, 0, lockRange())
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) || errors.Is(err, windows.ERROR_IO_PENDING) {
		return false, nil
	}
	return err == nil, err
}

// isUnsupportedLock reports whether err means that the file system has no locks.
func isUnsupportedLock(err error) bool {
	return errors.Is(err, windows.ERROR_NOT_SUPPORTED) || errors.Is(err, windows.ERROR_INVALID_FUNCTION)
}

func lockFile(f *os.File) error {
	return windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK, 0, 1, 0, lockRange())
}

// removeLock closes the file before it deletes the file, because Windows does not delete open files. If another
// process locks the file between the two calls, the file is not deleted.
func removeLock(path string, l *LockFile) error {
	if err := l.Close(); err != nil {
		return err
	}
	if err := os.Remove(path); !isSharingViolation(err) {
		return err
	}
	return nil
}

func unlockFile(f *os.File) error {
	return windows.UnlockFileEx(windows.Handle(f.Fd()), 0, 1, 0, lockRange())
}
