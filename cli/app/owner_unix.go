//go:build unix

package app

import (
	"io/fs"
	"syscall"
)

// Owner returns the user ID of a file's owner, or -1 if it is unknown.
func Owner(info fs.FileInfo) int {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(s.Uid)
	}
	return -1
}
