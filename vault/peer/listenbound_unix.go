//go:build unix

package peer

import (
	"os"

	"golang.org/x/sys/unix"
)

// ListenBound listens on a socket that is already bound. The caller closes the file.
func ListenBound(f *os.File, check Check) (*Listener, error) {
	if err := unix.Listen(int(f.Fd()), unix.SOMAXCONN); err != nil {
		return nil, os.NewSyscallError("listen", err)
	}
	return FromFile(f, check)
}
