//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package prompt

import "golang.org/x/sys/unix"

const (
	termiosRead         = unix.TIOCGETA
	termiosWrite        = unix.TIOCSETA
	termiosWriteDiscard = unix.TIOCSETAF
)

// noKeyAssigned is the value of an entry in Termios.Cc, such as VSUSP, to which no key is assigned
// (_POSIX_VDISABLE).
const noKeyAssigned = 0xff
