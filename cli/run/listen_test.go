package run

import (
	"errors"
	"net"
	"testing"

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
