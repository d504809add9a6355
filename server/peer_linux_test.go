package server

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestOwnedBy(t *testing.T) {
	for _, c := range []struct {
		uid, status int
	}{{os.Getuid(), 200}, {os.Getuid() + 1, 403}} {
		r := startEC2(t, func(e *EC2) { e.V1, e.Guard.Peers = true, OwnedBy(c.uid) })
		for range 2 {
			if status, _, text := r.ask("GET", "/latest/"); status != c.status {
				t.Errorf("user %d, want %d: %d %s", os.Getuid(), c.uid, status, text)
			}
		}
	}
}

func TestUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	for _, c := range []struct {
		uid, status int
	}{{os.Getuid(), 200}, {os.Getuid() + 1, 403}} {
		l, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		e := ecsOn("localhost:80", &Mount{Token: DigestOf(token), Base: fixed("ASIAIOSFODNN7EXAMPLE")})
		e.Guard.Hosts, e.Guard.Peers = []string{"localhost"}, OnThisMachine(c.uid)
		var peer Process
		e.Audit = func(h Handout) error {
			peer = h.Peer
			return nil
		}
		r := serve(t, l, Server{Handler: e})
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(context.Context, string, string) (net.Conn, error) { return net.Dial("unix", path) }}}
		req, _ := http.NewRequest("GET", "http://localhost/", nil)
		req.Header.Set("Authorization", token)
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != c.status {
			t.Errorf("user %d, want %d: %s", os.Getuid(), c.uid, resp.Status)
		}
		if c.status == 200 && (peer.PID != os.Getpid() || peer.Name == "") {
			t.Errorf("asked by %+v", peer)
		}
		r.stop()
	}
}

// The answer to PUT gets no further than one hop.
func TestOneHop(t *testing.T) {
	hops := make(chan int, 2)
	r := start(t, func(addr string) http.Handler {
		e := ec2On(addr)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			e.ServeHTTP(w, r)
			raw, _ := connectionOf(r).Conn.(*net.TCPConn).SyscallConn()
			raw.Control(func(fd uintptr) {
				n, _ := syscall.GetsockoptInt(int(fd), syscall.IPPROTO_IP, syscall.IP_TTL)
				hops <- n
			})
		})
	}, Server{})
	if r.ask("GET", "/latest/"); <-hops <= 1 {
		t.Error("an ordinary answer has one hop")
	}
	if r.ask("PUT", tokenPath, lifetimeHeader, "60"); <-hops != 1 {
		t.Error("the answer to PUT has more than one hop")
	}
}

func TestNotLoopback(t *testing.T) {
	err := OnThisMachine(0)(elsewhere{})
	var peer *PeerError
	if !errors.As(err, &peer) || peer.Addr != "192.0.2.1:80" {
		t.Errorf("%v", err)
	}
	if err := OwnedBy(0)(elsewhere{}); !errors.Is(err, ErrUnknownPeer) {
		t.Errorf("%v", err)
	}
	if err := (*connection)(nil).check(OwnedBy(0)); !errors.Is(err, ErrUnknownPeer) {
		t.Errorf("%v", err)
	}
	if p := processOf(elsewhere{}); p != (Process{}) {
		t.Errorf("%v", p)
	}
	if p := holderOf("socket:[none]"); p != (Process{}) || nameOf("none") != "" {
		t.Errorf("%v", p)
	}
}

// elsewhere is a connection from another machine.
type elsewhere struct{ net.Conn }

func (elsewhere) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 80} }

const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 0100007F:9C40 01 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0000000000000000 20 4 30 10 -1
   1: 0100007F:9C40 0100007F:1F90 06 00000000:00000000 03:00000000 00000000     0        0 0 3 0000000000000000
   2: 0100007F:9C40 0100007F:1F90 01 00000000:00000000 00:00000000 00000000  1001        0 4712 1 0000000000000000 20 4 30 10 -1
`

const table6 = `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0000000000000000FFFF00000100007F:9C40 0000000000000000FFFF00000100007F:1F90 01 00000000:00000000 00:00000000 00000000  1002        0 4713 1 0 20 4 30 10 -1
   1: 00000000000000000000000001000000:9C40 00000000000000000000000001000000:1F90 01 00000000:00000000 00:00000000 00000000  x        0 4713 1 0 20 4 30 10 -1
`

func TestFindSocket(t *testing.T) {
	for _, c := range []struct {
		table, local, remote string
		want                 socket
		ok, fails            bool
	}{
		{table, "127.0.0.1:40000", "127.0.0.1:8080", socket{1001, "4712"}, true, false},
		{table, "127.0.0.1:8080", "127.0.0.1:40000", socket{1000, "4711"}, true, false},
		{table, "127.0.0.1:8080", "127.0.0.1:40001", socket{}, false, false},
		{table6, "127.0.0.1:40000", "127.0.0.1:8080", socket{1002, "4713"}, true, false},
		{table6, "[::1]:40000", "[::1]:8080", socket{}, false, true},
		{"x\ny z\n1: 2 3 4 5 6 7 8 9 10 11", "127.0.0.1:1", "127.0.0.1:2", socket{}, false, false},
		{strings.Repeat("x", 1<<20), "127.0.0.1:1", "127.0.0.1:2", socket{}, false, true},
	} {
		s, ok, err := findSocket(bufio.NewScanner(strings.NewReader(c.table)), netip.MustParseAddrPort(c.local), netip.MustParseAddrPort(c.remote))
		if s != c.want || ok != c.ok || (err != nil) != c.fails {
			t.Errorf("%s → %s: %v %v %v", c.local, c.remote, s, ok, err)
		}
	}
}

// Whatever the kernel may list, nothing but an address that was asked for is found.
func FuzzFindSocket(f *testing.F) {
	f.Add(table)
	f.Add(table6)
	local, remote := netip.MustParseAddrPort("127.0.0.1:40000"), netip.MustParseAddrPort("127.0.0.1:8080")
	f.Fuzz(func(t *testing.T, text string) {
		s, ok, err := findSocket(bufio.NewScanner(strings.NewReader(text)), local, remote)
		if ok && (err != nil || s.inode == "" || s.inode == "0") || !ok && s != (socket{}) {
			t.Errorf("%+v, %v, %v", s, ok, err)
		}
	})
}
