//go:build unix

package peer

import (
	"os"

	"golang.org/x/sys/unix"
)

// Bound begins to listen at a socket that is bound. The caller closes the file.
func Bound(f *os.File, who Check) (*Listener, error) {
	if err := unix.Listen(int(f.Fd()), unix.SOMAXCONN); err != nil {
		return nil, os.NewSyscallError("listen", err)
	}
	return File(f, who)
}
