package vaulttest

import (
	"errors"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// ErrNotRoot is returned where only root can become another user.
var ErrNotRoot = errors.New("only root can become another user")

// AsUser calls f in a thread that belongs to another user for that time: sockets that it
// opens are that user's.
func AsUser(uid int, f func()) error {
	if os.Getuid() != 0 {
		return ErrNotRoot
	}
	const same = ^uintptr(0)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if _, _, err := unix.RawSyscall(unix.SYS_SETRESUID, same, uintptr(uid), same); err != 0 {
		return err
	}
	defer unix.RawSyscall(unix.SYS_SETRESUID, same, 0, same)
	f()
	return nil
}
