//go:build unix

package run

import (
	"os"
	"syscall"
)

// openAuditFile opens a file for appending. It does not follow a symbolic link, and does not wait if the file is a
// pipe.
func openAuditFile(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0o600)
}
