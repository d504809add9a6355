//go:build unix

package server

import (
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// Bind takes the port of the metadata service, at which nobody listens yet.
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
	if err := forThisMachine(fd); err != nil {
		return err
	}
	return os.NewSyscallError("bind", unix.Bind(fd, &unix.SockaddrInet4{Port: metadataPort, Addr: metadata.As4()}))
}

// Listen listens at the address.
func (a *Alias) Listen() (net.Listener, error) {
	f, err := a.Bind()
	if err != nil {
		return nil, err
	}
	return listenOn(f)
}

// listenOn listens with a socket that is bound, which it closes.
func listenOn(f *os.File) (net.Listener, error) {
	defer f.Close()
	if err := unix.Listen(int(f.Fd()), unix.SOMAXCONN); err != nil {
		return nil, os.NewSyscallError("listen", err)
	}
	return net.FileListener(f)
}
