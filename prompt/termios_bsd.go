//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package prompt

import "golang.org/x/sys/unix"

const (
	termiosRead         = unix.TIOCGETA
	termiosWrite        = unix.TIOCSETA
	termiosWriteDiscard = unix.TIOCSETAF
)

// noKeyAssigned is the value for a terminal function, such as stopping the process, that no key has (_POSIX_VDISABLE).
const noKeyAssigned = 0xff
