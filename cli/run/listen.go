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
type place struct {
	socket  string // a path; empty for an address
	address string
}

func (p place) String() string { return p.socket + p.address }

// hosts are the names that the place is asked by. A proxy for containers passes on the
// address of theirs.
func (p place) hosts() []string {
	if p.socket != "" {
		return []string{"localhost", "169.254.170.2"}
	}
	return hostsOf(p.address)
}

// A placeError is a place where nobody can be served.
type placeError struct {
	place string
	err   error
}

func (e *placeError) Error() string { return fmt.Sprintf("listening at %s: %v", e.place, e.err) }

func (e *placeError) Unwrap() error { return e.err }

var errServedAlready = errors.New("another aws-vault serves there")

// listen takes the listener that systemd has opened, or opens one.
func listen(a *app.App, f *serveFlags) (*peer.Listener, place, error) {
	l, err := inherited(a.Env.Getenv, a.Env.Peers)
	switch {
	case err != nil:
		return nil, place{}, err
	case l == nil && f.socket != "":
		l, err = listenSocket(a.Env.Path(f.socket), a.Env.Peers)
	case l == nil:
		l, err = listenAddress(cmp.Or(f.address, serveAddress), a.Env.Peers)
	}
	if err != nil {
		return nil, place{}, err
	}
	at, err := placeOf(l)
	if err != nil {
		l.Close()
	}
	return l, at, err
}

// placeOf says where a listener is, if it is on this machine only.
func placeOf(l net.Listener) (place, error) {
	switch a := l.Addr().(type) {
	case *net.UnixAddr:
		return place{socket: a.Name}, nil
	case *net.TCPAddr:
		if a.IP.IsLoopback() {
			return place{address: a.String()}, nil
		}
	}
	return place{}, &placeError{l.Addr().String(), errNotHere}
}

var errNotHere = errors.New("other machines can reach it, expected an address such as 127.0.0.1:9699")

func listenAddress(address string, who peer.Check) (*peer.Listener, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, &placeError{address, err}
	}
	if host == "localhost" {
		host = "127.0.0.1"
	}
	if ip, err := netip.ParseAddr(host); err != nil || !ip.IsLoopback() {
		return nil, &placeError{address, errNotHere}
	}
	l, err := peer.Listen("tcp", net.JoinHostPort(host, port), who)
	if err != nil {
		return nil, &placeError{address, err}
	}
	return l, nil
}

// listenSocket listens at a file that only this user reaches. What a server that was
// killed has left there is taken away.
func listenSocket(path string, who peer.Check) (*peer.Listener, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, &placeError{path, err}
	}
	if err := privateFolder(filepath.Dir(path)); err != nil {
		return nil, &placeError{path, err}
	}
	if err := clearSocket(path); err != nil {
		return nil, &placeError{path, err}
	}
	l, err := peer.Listen("unix", path, who)
	if err != nil {
		return nil, &placeError{path, err}
	}
	if err := os.Chmod(path, 0o600); err != nil {
		l.Close()
		return nil, &placeError{path, err}
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

// clearSocket removes a socket that nobody listens at.
func clearSocket(path string) error {
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
	const patience = time.Second
	c, err := net.DialTimeout("unix", path, patience)
	if err == nil {
		c.Close()
		return errServedAlready
	}
	if !refused(err) {
		return err
	}
	return os.Remove(path)
}
