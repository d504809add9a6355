package prompt

import "golang.org/x/sys/unix"

const (
	termiosRead         = unix.TCGETS
	termiosWrite        = unix.TCSETS
	termiosWriteDiscard = unix.TCSETSF
)

// noKeyAssigned is the value of a control character that is disabled (_POSIX_VDISABLE).
const noKeyAssigned = 0
