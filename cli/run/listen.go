package run

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"aws-vault/cli/app"
	"aws-vault/vault/disk"
	"aws-vault/vault/peer"
)

// A place is where a server listens.
type endpoint struct {
	socket  string // a path; empty for an address
	address string
}

func (p endpoint) String() string { return p.socket + p.address }

// hosts are the names that the place is asked by. A proxy for containers passes on the
// address of theirs.
func (p endpoint) hosts() []string {
	if p.socket != "" {
		return []string{"localhost", "169.254.170.2"}
	}
	return allowedHosts(p.address)
}

// A listenError is a place where nobody can be served.
type listenError struct {
	endpoint string
	err      error
}

func (e *listenError) Error() string { return fmt.Sprintf("listening at %s: %v", e.endpoint, e.err) }

func (e *listenError) Unwrap() error { return e.err }

var errServedAlready = errors.New("another aws-vault serves there")

// listen takes the listener that systemd has opened, or opens one.
func listen(a *app.App, f *serveFlags) (*peer.Listener, endpoint, error) {
	l, err := systemdListener(a.Env.Getenv, a.Env.Peers)
	switch {
	case err != nil:
		return nil, endpoint{}, err
	case l == nil && f.socket != "":
		l, err = listenSocket(a.Env.Path(f.socket), a.Env.Peers)
	case l == nil:
		l, err = listenAddress(cmp.Or(f.address, serveAddress), a.Env.Peers)
	}
	if err != nil {
		return nil, endpoint{}, err
	}
	at, err := endpointOf(l)
	if err != nil {
		l.Close()
	}
	return l, at, err
}

// endpointOf says where a listener is, if it is on this machine only.
func endpointOf(l net.Listener) (endpoint, error) {
	switch a := l.Addr().(type) {
	case *net.UnixAddr:
		return endpoint{socket: a.Name}, nil
	case *net.TCPAddr:
		if a.IP.IsLoopback() {
			return endpoint{address: a.String()}, nil
		}
	}
	return endpoint{}, &listenError{l.Addr().String(), errNotLoopback}
}

var errNotLoopback = errors.New("other machines can reach it, expected an address such as 127.0.0.1:9699")

func listenAddress(address string, who peer.Check) (*peer.Listener, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, &listenError{address, err}
	}
	if host == "localhost" {
		host = "127.0.0.1"
	}
	if ip, err := netip.ParseAddr(host); err != nil || !ip.IsLoopback() {
		return nil, &listenError{address, errNotLoopback}
	}
	l, err := peer.Listen("tcp", net.JoinHostPort(host, port), who)
	if err != nil {
		return nil, &listenError{address, err}
	}
	return l, nil
}

// listenSocket listens at a file that only this user reaches. What a server that was
// killed has left there is taken away.
func listenSocket(path string, who peer.Check) (*peer.Listener, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, &listenError{path, err}
	}
	if err := privateFolder(filepath.Dir(path)); err != nil {
		return nil, &listenError{path, err}
	}
	if err := removeStaleSocket(path); err != nil {
		return nil, &listenError{path, err}
	}
	l, err := peer.Listen("unix", path, who)
	if err != nil {
		return nil, &listenError{path, err}
	}
	if err := os.Chmod(path, 0o600); err != nil {
		l.Close()
		return nil, &listenError{path, err}
	}
	return l, nil
}

// privateFolder makes a folder of mode 0700. One that is there is not changed: it may be
// meant for others too, and is then refused.
func privateFolder(dir string) error {
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return disk.MkdirPrivate(dir)
	}
	if err == nil && othersMayEnter(info) {
		return fmt.Errorf("others may enter %s (mode %04o), want a directory of mode 0700", dir, info.Mode().Perm())
	}
	return err
}

// removeStaleSocket removes a socket that nobody listens at.
func removeStaleSocket(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Type() != fs.ModeSocket {
		return errors.New("another kind of file is there, want none or a socket")
	}
	const dialTimeout = time.Second
	c, err := net.DialTimeout("unix", path, dialTimeout)
	if err == nil {
		c.Close()
		return errServedAlready
	}
	if !isConnectionRefused(err) {
		return err
	}
	return os.Remove(path)
}
