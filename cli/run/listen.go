package run

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"time"

	"aws-vault/cli/app"
	"aws-vault/vault/disk"
	"aws-vault/vault/peer"
)

// An endpoint is where a server listens: an address or a Unix socket.
type endpoint struct {
	socket  string // the path of a Unix socket; empty if address is set
	address string
}

func (p endpoint) String() string { return p.socket + p.address }

// hosts returns the Host headers that the server accepts. A server at a socket also accepts 169.254.170.2, because the
// proxy for containers forwards requests with this header.
func (p endpoint) hosts() []string {
	if p.socket != "" {
		return []string{"localhost", "169.254.170.2"}
	}
	return allowedHosts(p.address)
}

// A listenError reports that a server cannot listen at an endpoint.
type listenError struct {
	endpoint string
	err      error
}

func (e *listenError) Error() string {
	return fmt.Sprintf("cannot listen at %s: %v", e.endpoint, e.err)
}

func (e *listenError) Unwrap() error { return e.err }

var errServedAlready = errors.New("another aws-vault already listens there")

// openServer opens the listener of a server, and registers the server. It also removes the files of killed servers. The
// caller must close the listener before it calls unregister.
func openServer(ctx context.Context, a *app.App, state *disk.Folder, f *serveFlags) (*peer.Listener, *registration, error) {
	l, at, err := listen(a, f)
	if err != nil {
		return nil, nil, err
	}
	r, err := registerNext(ctx, a, state, at)
	if err == nil && l == nil {
		// Open the socket only after the registration. Otherwise, if two servers started at the same time, each could
		// mistake the socket of the other one for the socket of a killed server, and remove it.
		if l, err = listenSocket(at.socket, a.Env.Peers); err != nil {
			r.unregister()
		}
	}
	if err != nil {
		if l != nil {
			l.Close()
		}
		return nil, nil, err
	}
	return l, r, nil
}

// registerNext removes the files of killed servers, and registers a server for the endpoint.
func registerNext(ctx context.Context, a *app.App, state *disk.Folder, at endpoint) (*registration, error) {
	_, killed, err := registeredServers(registryFolder(state))
	if err != nil {
		return nil, err
	}
	warnKilled(a, slices.DeleteFunc(killed, func(e registeredServer) bool { return e.Address == at.address }))
	return register(ctx, state, at)
}

// listen returns the listener that systemd has opened. If systemd has opened none, listen opens a TCP listener. With
// --socket, it does not open one, but returns the endpoint at which openServer must open a listener.
func listen(a *app.App, f *serveFlags) (*peer.Listener, endpoint, error) {
	l, err := systemdListener(a.Env.Getenv, a.Env.Peers)
	if err == nil && l == nil {
		if f.socket != "" {
			path, err := socketPath(a.Env.Path(f.socket))
			return nil, endpoint{socket: path}, err
		}
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

// endpointOf returns the endpoint of a listener. It returns an error if other machines can connect to the listener.
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

var errNotLoopback = errors.New("other machines can reach this address, expected a loopback address such as 127.0.0.1:9699")

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

// socketPath returns the absolute path of a socket. It resolves symbolic links in the path of the folder, so that two
// servers with the same socket have the same endpoint. It creates the folder if it does not exist. If other users can
// access the folder, socketPath returns an error.
func socketPath(path string) (string, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return "", &listenError{path, err}
	}
	dir := filepath.Dir(absolute)
	if err := privateFolder(dir); err != nil {
		return "", &listenError{absolute, err}
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return "", &listenError{absolute, err}
	}
	return filepath.Join(dir, filepath.Base(absolute)), nil
}

// listenSocket listens at a Unix socket that only this user can access. If a killed server has left a socket at the
// path, listenSocket removes that socket first. The caller must have registered the endpoint.
func listenSocket(path string, who peer.Check) (*peer.Listener, error) {
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

// privateFolder creates a folder with mode 0700. If the folder exists and other users can access it, privateFolder
// returns an error. It does not change the mode, because the user may have chosen it.
func privateFolder(dir string) error {
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return disk.MkdirPrivate(dir)
	}
	if err == nil && othersMayEnter(info) {
		return fmt.Errorf("other users can access %s (mode %04o), expected a directory of mode 0700", dir, info.Mode().Perm())
	}
	return err
}

// removeStaleSocket removes a socket at which no process listens.
func removeStaleSocket(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Type() != fs.ModeSocket {
		return errors.New("the file exists and is not a socket")
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
