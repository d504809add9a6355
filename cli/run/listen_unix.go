//go:build unix

package run

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"syscall"

	"aws-vault/vault/peer"
)

// systemdListener returns the listener that systemd opened for this process, or nil if there is none.
// https://www.freedesktop.org/software/systemd/man/latest/sd_listen_fds.html
func systemdListener(getenv func(string) (string, bool), who peer.Check) (*peer.Listener, error) {
	const first = 3
	pid, _ := getenv("LISTEN_PID")
	if pid != strconv.Itoa(os.Getpid()) {
		return nil, nil
	}
	if n, _ := getenv("LISTEN_FDS"); n != "1" {
		return nil, fmt.Errorf("LISTEN_FDS is %.20q, expected 1 (one socket)", n)
	}
	syscall.CloseOnExec(first)
	f := os.NewFile(first, "LISTEN_FDS")
	defer f.Close()
	l, err := peer.FromFile(f, who)
	if err != nil {
		return nil, fmt.Errorf("using the socket of LISTEN_FDS: %w", err)
	}
	return l, nil
}

func othersMayEnter(dir fs.FileInfo) bool { return dir.Mode().Perm()&0o077 != 0 }

func isConnectionRefused(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }
