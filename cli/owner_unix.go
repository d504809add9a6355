//go:build unix

package cli

import (
	"io/fs"
	"syscall"
)

// owner is the user whose file it is.
func owner(info fs.FileInfo) int {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(s.Uid)
	}
	return -1
}
