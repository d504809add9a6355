//go:build unix

package server

import (
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"aws-vault/vault/peer"
)

// Bind binds a socket to the port of the metadata service. It does not listen on the socket.
func (a *Alias) Bind() (*os.File, error) {
	syscall.ForkLock.RLock()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err == nil {
		unix.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	f := os.NewFile(uintptr(fd), metadata.String())
	if err := bind(fd); err != nil {
		f.Close()
		return nil, &net.OpError{Op: "listen", Net: "tcp", Addr: &net.TCPAddr{IP: metadata.AsSlice(), Port: metadataPort}, Err: err}
	}
	return f, nil
}

func bind(fd int) error {
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return os.NewSyscallError("setsockopt SO_REUSEADDR", err)
	}
	if err := bindToLoopback(fd); err != nil {
		return err
	}
	return os.NewSyscallError("bind", unix.Bind(fd, &unix.SockaddrInet4{Port: metadataPort, Addr: metadata.As4()}))
}

// Listen listens on the metadata service's address. It accepts only connections that pass the check.
func (a *Alias) Listen(check peer.Check) (*peer.Listener, error) {
	f, err := a.Bind()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return peer.ListenBound(f, check)
}
