package fakeaws

import (
	"errors"
	"net"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// ErrNotRoot reports that this process is not root. Only root can become another user.
var ErrNotRoot = errors.New("only root can become another user")

// DialAs connects like net.Dial, but as the user with this user id. It fails with [ErrNotRoot] if this process cannot
// become that user. The caller must close the connection.
func DialAs(uid int, network, address string) (net.Conn, error) {
	if os.Getuid() != 0 {
		return nil, ErrNotRoot
	}
	const same = ^uintptr(0)
	runtime.LockOSThread() // only this thread gets the new user id
	defer runtime.UnlockOSThread()
	if _, _, err := unix.RawSyscall(unix.SYS_SETRESUID, same, uintptr(uid), same); err != 0 {
		return nil, err
	}
	defer unix.RawSyscall(unix.SYS_SETRESUID, same, 0, same)
	return net.Dial(network, address)
}
