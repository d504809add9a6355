package prompt

import "golang.org/x/sys/unix"

const (
	termiosRead         = unix.TCGETS
	termiosWrite        = unix.TCSETS
	termiosWriteDiscard = unix.TCSETSF
)

// noKeyAssigned is the value of an entry in Termios.Cc, such as VSUSP, to which no key is assigned
// (_POSIX_VDISABLE).
const noKeyAssigned = 0
