package prompt

import "golang.org/x/sys/unix"

const (
	termiosRead         = unix.TCGETS
	termiosWrite        = unix.TCSETS
	termiosWriteDiscard = unix.TCSETSF
)

// noKeyAssigned stands for a key that a terminal does not have (_POSIX_VDISABLE).
const noKeyAssigned = 0
