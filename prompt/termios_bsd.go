//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package prompt

import "golang.org/x/sys/unix"

const (
	termiosRead         = unix.TIOCGETA
	termiosWrite        = unix.TIOCSETA
	termiosWriteDiscard = unix.TIOCSETAF
)

// noKeyAssigned stands for a key that a terminal does not have (_POSIX_VDISABLE).
const noKeyAssigned = 0xff
