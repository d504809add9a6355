//go:build unix

package app

import (
	"io/fs"
	"syscall"
)

// Owner is the user whose file it is.
func Owner(info fs.FileInfo) int {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(s.Uid)
	}
	return -1
}
