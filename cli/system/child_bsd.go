//go:build unix && !linux

package system

import "syscall"

// KillWithParent does nothing: this system has no way to promise that.
func KillWithParent(*syscall.SysProcAttr) {}
