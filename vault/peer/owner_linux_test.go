package peer

import (
	"bufio"
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aws-vault/internal/fakeaws"

	"golang.org/x/sys/unix"
)

// TestOwnerOf runs clients as several users, with each form of address.
func TestOwnerOf(t *testing.T) {
	dir, err := os.MkdirTemp("", "peer")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() != 0 {
		t.Skip(fakeaws.ErrNotRoot)
	}
	const alice, bob = 12345, 54321
	for _, c := range []struct{ network, at, dial string }{
		{"tcp4", "127.0.0.1:0", "127.0.0.1"},
		{"tcp6", "[::1]:0", "::1"},
		{"tcp", "[::]:0", "127.0.0.1"},        // the listener sees an IPv4-mapped IPv6 address
		{"tcp", "[::]:0", "::ffff:127.0.0.1"}, // the client uses an IPv4-mapped IPv6 address too
		{"unix", filepath.Join(dir, "s"), ""},
	} {
		l, err := Listen(c.network, c.at, Check{UID: alice})
		if err != nil {
			t.Logf("%s %s: %v", c.network, c.at, err) // skip this case, because the machine may have no IPv6
			continue
		}
		defer l.Close()
		address := c.at
		if a, ok := l.Addr().(*net.TCPAddr); ok {
			_, port, _ := net.SplitHostPort(a.String())
			address = net.JoinHostPort(c.dial, port)
		} else if err := os.Chmod(c.at, 0o777); err != nil {
			t.Fatal(err)
		}
		for uid, ok := range map[int]bool{alice: true, 0: true, bob: false} {
			conn, _ := acceptAt(t, l, func() (net.Conn, error) { return fakeaws.DialAs(uid, strings.TrimRight(c.network, "46"), address) })
			var stranger *OtherUserError
			if err := conn.Check(); (err == nil) != ok || err != nil && (!errors.As(err, &stranger) || stranger.UID != bob) {
				t.Errorf("user %d at %s: %v", uid, address, err)
			}
		}
	}
}

// TestMappedClient connects an IPv6 socket to an IPv4 address. The kernel lists this socket in the table of IPv6
// sockets, and its owner must be found there.
func TestMappedClient(t *testing.T) {
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Skip(err)
	}
	defer unix.Close(fd)
	l, err := Listen("tcp4", "127.0.0.1:0", ThisUser())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	to := &unix.SockaddrInet6{Port: l.Addr().(*net.TCPAddr).Port}
	copy(to.Addr[10:], []byte{0xff, 0xff, 127, 0, 0, 1})
	if err := unix.Connect(fd, to); err != nil {
		t.Skip(err)
	}
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer accepted.Close()
	if c := accepted.(*Conn); !c.OwnerKnown() {
		t.Errorf("refused: %v", c.Check())
	}
}

// TestClosedClient checks that a connection is refused if the client has closed its end, because the owner is then
// unknown.
func TestClosedClient(t *testing.T) {
	for range 20 {
		c, client := accept(t, "tcp", "127.0.0.1:0", ThisUser())
		client.Write([]byte("GET / HTTP/1.1\r\n\r\n"))
		client.Close()
		var stranger *OtherUserError
		if err := c.Check(); !errors.As(err, &stranger) || stranger.UID != -1 {
			t.Fatalf("Check returned %v, want an *OtherUserError with an unknown user", err)
		}
	}
}

func TestIsWSL(t *testing.T) {
	for release, want := range map[string]bool{
		"5.15.153.1-microsoft-standard-WSL2\n": true, "4.4.0-19041-Microsoft\n": true,
		"6.12.48+deb13-amd64\n": false, "6.10.14-linuxkit\n": false, "": false,
	} {
		if got := isWSL(release); got != want {
			t.Errorf("isWSL(%q) = %v", release, got)
		}
	}
}

func TestMapsAll(t *testing.T) {
	for text, want := range map[string]bool{
		"         0          0 4294967295\n":                          true,
		"         0       1000          1\n":                          false,
		"         0     100000      65536\n":                          false,
		"         0       1000 1\n         1     100000      65536\n": false,
		"": false,
	} {
		if got := mapsAll(text); got != want {
			t.Errorf("mapsAll(%q) = %v", text, got)
		}
	}
}

func TestProcessWithSocketNotFound(t *testing.T) {
	if p := processWithSocket("socket:[none]"); p != (Process{}) || ProcessByPID(-1) != (Process{PID: -1}) {
		t.Errorf("processWithSocket of a missing socket = %v", p)
	}
}

const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 0100007F:9C40 01 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0000000000000000 20 4 30 10 -1
   1: 0100007F:9C40 0100007F:1F90 06 00000000:00000000 03:00000000 00000000     0        0 0 3 0000000000000000
   2: 0100007F:9C40 0100007F:1F90 02 00000000:00000000 00:00000000 00000000  1000        0 4710 1 0000000000000000 20 4 30 10 -1
   3: 0100007F:9C40 0100007F:1F90 01 00000000:00000000 00:00000000 00000000  1001        0 4712 1 0000000000000000 20 4 30 10 -1
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
			t.Errorf("findSocket from %s to %s = %v, %v, %v", c.local, c.remote, s, ok, err)
		}
	}
}

// FuzzFindSocket checks that findSocket never returns a socket without an inode. The table contains random text.
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
