//go:build unix && !linux

package cli

import "syscall"

// dieWithUs does nothing: this system has no way to promise that.
func dieWithUs(*syscall.SysProcAttr) {}
