package disk

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/windows"
)

// On Windows, a file cannot be replaced while another process has it open, and cannot be opened while another process
// renames it. In both cases, the system call is repeated for up to two seconds.
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

// isNull reports whether a path names the null device.
func isNull(path string, _ fs.FileInfo) bool {
	return strings.EqualFold(filepath.Base(path), os.DevNull)
}

// syncDir does nothing, because Windows cannot open a directory to sync it, and NTFS journals the rename.
func syncDir(string) error { return nil }

func mayWriteInPlace(error) bool { return false }

// copyRights does nothing, because the new file inherits the permissions of its directory.
func copyRights(string, fs.FileInfo, string) error { return nil }
