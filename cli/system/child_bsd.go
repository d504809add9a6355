//go:build unix && !linux

package system

import "syscall"

// DieWithUs does nothing: this system has no way to promise that.
func DieWithUs(*syscall.SysProcAttr) {}
