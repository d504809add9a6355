//go:build unix

package peer

import (
	"os"

	"golang.org/x/sys/unix"
)

// ListenBound listens on the socket f, which is already bound to an address. The caller must close f.
func ListenBound(f *os.File, check Check) (*Listener, error) {
	if err := unix.Listen(int(f.Fd()), unix.SOMAXCONN); err != nil {
		return nil, os.NewSyscallError("listen", err)
	}
	return FromFile(f, check)
}
