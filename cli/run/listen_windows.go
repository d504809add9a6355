package run

import (
	"errors"
	"io/fs"
	"syscall"

	"aws-vault/vault/peer"
)

func systemdListener(func(string) (string, bool), peer.Check) (*peer.Listener, error) {
	return nil, nil
}

// othersMayEnter returns false, because a folder has the permissions of its parent folder. Inside the user's home
// folder, these permissions allow other users no access.
func othersMayEnter(fs.FileInfo) bool { return false }

func isConnectionRefused(err error) bool {
	const connectionRefused = syscall.Errno(10061) // WSAECONNREFUSED
	return errors.Is(err, connectionRefused)
}
