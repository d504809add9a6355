package peer

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// accept opens a connection to a new listener, and returns both ends. The argument who is the check of the
// listener.
func accept(t *testing.T, network, address string, who Check) (server *Conn, client net.Conn) {
	t.Helper()
	l, err := Listen(network, address, who)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return acceptAt(t, l, func() (net.Conn, error) { return net.Dial(network, l.Addr().String()) })
}

func acceptAt(t *testing.T, l *Listener, dial func() (net.Conn, error)) (server *Conn, client net.Conn) {
	t.Helper()
	client, err := dial()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.(*Conn), client
}

func TestCheck(t *testing.T) {
	const other = 12345 // the ID of a user that does not exist
	for _, network := range []string{"tcp", "unix"} {
		for _, tt := range []struct {
			name      string
			who       Check
			ok, known bool // the expected results if the system can identify the owner
		}{
			{"this user", ThisUser(), true, true},
			{"another user", Check{UID: other}, os.Getuid() == 0, true},
			{"anyone", Check{UID: other, Anyone: true}, true, false},
			{"blind", Check{UID: other, NoTCPOwner: true}, network == "tcp" || os.Getuid() == 0, network == "unix"},
		} {
			t.Run(network+" "+tt.name, func(t *testing.T) {
				address := "127.0.0.1:0"
				if network == "unix" {
					address = filepath.Join(t.TempDir(), "s")
				}
				told := 0
				tt.who.Refused = func(err error) { told++ }
				c, _ := accept(t, network, address, tt.who)
				if !tt.who.CanIdentify(network) {
					tt.ok, tt.known = true, false
				}
				err := c.Check()
				var stranger *OtherUserError
				if (err == nil) != tt.ok || err != nil && (!errors.As(err, &stranger) || stranger.UID != os.Getuid() || stranger.Expected != other) {
					t.Errorf("Check returned %v, want accepted: %v", err, tt.ok)
				}
				if known := c.OwnerKnown(); known != (tt.ok && tt.known) {
					t.Errorf("OwnerKnown is %v", known)
				}
				if again := c.Check(); again != err || told > 1 || (told == 1) != (err != nil) {
					t.Errorf("Refused was called %d times, and then Check returned %v", told, again)
				}
				if p := c.Process(); runtime.GOOS == "linux" && p.PID != os.Getpid() {
					t.Errorf("process %+v", p)
				}
			})
		}
	}
}

// TestRemoteConnection checks that a connection from another machine is refused, even on a system that cannot
// identify owners.
func TestRemoteConnection(t *testing.T) {
	for _, who := range []Check{ThisUser(), {UID: os.Getuid(), NoTCPOwner: true}, {}} {
		c := who.Conn(remoteConn{})
		var stranger *OtherUserError
		if err := c.Check(); !errors.As(err, &stranger) || stranger.UID != -1 || stranger.Addr != "192.0.2.1:80" || c.OwnerKnown() {
			t.Errorf("Check returned %v, want an *OtherUserError with an unknown user", err)
		}
		if p := c.Process(); p != (Process{}) {
			t.Errorf("Process = %v, want none", p)
		}
	}
}

// remoteConn is a connection from another machine.
type remoteConn struct{ net.Conn }

func (remoteConn) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 80} }
func (remoteConn) LocalAddr() net.Addr  { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9} }

// TestUnchecked checks that a request is refused if no Listener of this package has accepted its connection.
func TestUnchecked(t *testing.T) {
	r := httptest.NewRequest("GET", "/", nil)
	if FromRequest(r).Check() == nil || FromRequest(r).OwnerKnown() || FromRequest(r).Process() != (Process{}) {
		t.Error("a request without a connection was accepted")
	}
	r = r.WithContext(ConnContext(context.Background(), remoteConn{}))
	if FromRequest(r).Check() == nil {
		t.Error("a request over an unchecked connection was accepted")
	}
}

// TestFromRequest checks that the handlers of an http.Server with ConnContext can find the connection of a request.
func TestFromRequest(t *testing.T) {
	l, err := Listen("tcp", "127.0.0.1:0", ThisUser())
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{ConnContext: ConnContext, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := FromRequest(r).Check(); err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
		}
	})}
	defer s.Close()
	go s.Serve(l)
	resp, err := http.Get("http://" + l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Error(resp.Status)
	}
}

func TestOtherUserError(t *testing.T) {
	for want, err := range map[string]error{
		"connection from user 1001 refused, expected user 1000 or root":                      &OtherUserError{UID: 1001, Expected: 1000},
		"connection from an unknown user at 192.0.2.1:9 refused, expected user 1000 or root": &OtherUserError{Addr: "192.0.2.1:9", UID: -1, Expected: 1000},
	} {
		if got := err.Error(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestListenFails(t *testing.T) {
	if l, err := Listen("tcp", "192.0.2.1:0", ThisUser()); err == nil {
		l.Close()
		t.Error("Listen succeeded for the address of another machine")
	}
	f, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if l, err := FromFile(f, ThisUser()); err == nil || strings.Contains(err.Error(), "panic") {
		l.Close()
		t.Error("FromFile succeeded for a regular file")
	}
}
