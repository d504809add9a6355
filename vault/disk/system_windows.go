package disk

import (
	"errors"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/windows"
)

// A file that another process has open for a moment cannot be renamed over on Windows, and one
// that is just being renamed cannot be opened: both are tried again for two seconds in all.
const (
	sharingTries = 100
	sharingPause = 20 * time.Millisecond
)

func isSharingViolation(err error) bool {
	return errors.Is(err, windows.ERROR_SHARING_VIOLATION) || errors.Is(err, windows.ERROR_ACCESS_DENIED) ||
		errors.Is(err, windows.ERROR_LOCK_VIOLATION)
}

func retrySharing(act func() error) error {
	var err error
	for range sharingTries {
		if err = act(); !isSharingViolation(err) {
			return err
		}
		time.Sleep(sharingPause)
	}
	return err
}

func rename(from, to string) error {
	return retrySharing(func() error { return os.Rename(from, to) })
}

func openShared(path string) (f *os.File, err error) {
	err = retrySharing(func() error {
		f, err = os.Open(path)
		return err
	})
	return f, err
}

// syncDir has nothing to do: Windows opens no directory for syncing, and NTFS journals the rename.
func syncDir(string) error { return nil }

func mayWriteInPlace(error) bool { return false }

// copyRights has nothing to do: the new file inherits the rights of its directory.
func copyRights(string, fs.FileInfo, string) error { return nil }
