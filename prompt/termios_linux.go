package prompt

import "golang.org/x/sys/unix"

const (
	termiosRead         = unix.TCGETS
	termiosWrite        = unix.TCSETS
	termiosWriteDiscard = unix.TCSETSF
)

// noKeyAssigned is the value for a terminal function, such as stopping the process, that no key has (_POSIX_VDISABLE).
const noKeyAssigned = 0
