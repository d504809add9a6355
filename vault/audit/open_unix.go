//go:build unix

package audit

import (
	"os"
	"syscall"
)

// openFile opens a file for reading and appending, and creates it with mode 0600 if it is missing. It does not follow
// a symbolic link, and does not wait if the file is a pipe.
func openFile(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0o600)
}
