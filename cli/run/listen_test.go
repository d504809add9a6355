package run

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"aws-vault/cli/app"
	"aws-vault/vault/disk"
	"aws-vault/vault/peer"
)

func TestListenAddress(t *testing.T) {
	for _, bad := range []string{"", "x", "9699", ":9699", "0.0.0.0:0", "192.0.2.1:0", "example.com:80", "[::]:0", "127.0.0.1:x", "127.0.0.1:99999"} {
		l, err := listenAddress(bad, peer.ThisUser())
		var e *listenError
		if !errors.As(err, &e) {
			t.Errorf("%q: %v", bad, err)
		}
		if l != nil {
			l.Close()
		}
	}
	for _, good := range []string{"127.0.0.1:0", "localhost:0"} {
		l, err := listenAddress(good, peer.ThisUser())
		if err != nil {
			t.Fatalf("%q: %v", good, err)
		}
		at, err := endpointOf(l)
		if err != nil || at.socket != "" || at.hosts()[0] != l.Addr().String() {
			t.Errorf("%q: %+v, %v", good, at, err)
		}
		l.Close()
	}
	everywhere, err := net.Listen("tcp", "0.0.0.0:0") // systemd could pass a listener with this address
	if err != nil {
		t.Fatal(err)
	}
	defer everywhere.Close()
	if _, err := endpointOf(everywhere); !errors.Is(err, errNotLoopback) {
		t.Errorf("%v, want %v", err, errNotLoopback)
	}
}

func TestHosts(t *testing.T) {
	for addr, want := range map[string]int{"127.0.0.1:9699": 4, "127.0.0.1:80": 7, "nonsense": 0} {
		if have := allowedHosts(addr); len(have) != want {
			t.Errorf("%s: %q", addr, have)
		}
	}
}

// TestServersAtOneSocket starts several servers at the same time, at a path where a killed server has left its
// socket. One of the servers must listen there, and clients must be able to connect to it. The others must get an
// error. One server gets a path that leads through a symbolic link.
func TestServersAtOneSocket(t *testing.T) {
	dir, err := os.MkdirTemp("", "serve") // a short path, because the path of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path, link := filepath.Join(dir, "s"), filepath.Join(dir, "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Skip(err)
	}
	state := disk.NewFolder(t.TempDir())
	a := &app.App{Env: app.Env{Getenv: func(string) (string, bool) { return "", false }, Peers: peer.ThisUser()}}
	const rounds, servers = 3, 8
	for range rounds {
		killed, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
		if err != nil {
			t.Fatal(err)
		}
		killed.SetUnlinkOnClose(false)
		killed.Close()
		var mu sync.Mutex
		var listeners []*peer.Listener
		var registrations []*registration
		var group sync.WaitGroup
		for n := range servers {
			at := path
			if n == 0 {
				at = filepath.Join(link, "s")
			}
			group.Go(func() {
				l, r, err := openServer(t.Context(), a, state, &serveFlags{socket: at})
				if err != nil {
					if !errors.Is(err, errServedAlready) {
						t.Error(err)
					}
					return
				}
				mu.Lock()
				defer mu.Unlock()
				listeners, registrations = append(listeners, l), append(registrations, r)
			})
		}
		group.Wait()
		if len(listeners) != 1 {
			t.Errorf("%d servers listen, want 1", len(listeners))
		}
		if c, err := net.Dial("unix", path); err != nil {
			t.Error(err)
		} else {
			c.Close()
		}
		for i := range listeners {
			listeners[i].Close()
			registrations[i].unregister()
		}
		if t.Failed() {
			return
		}
	}
}
