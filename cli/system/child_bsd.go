//go:build unix && !linux

package system

import "syscall"

// KillWithParent does nothing: this system cannot kill a child process when its parent ends.
func KillWithParent(*syscall.SysProcAttr) {}
