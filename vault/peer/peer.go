// Package peer opens every port and socket that the program listens on, and decides who may connect. It does
// not serve requests itself.
//
// Each connection is checked once, when its first request has arrived. ARCHITECTURE.md lists all listeners, and
// explains how connections are checked on each system.
package peer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
)

// A Check decides who may connect. The zero Check accepts only root.
type Check struct {
	UID    int  // the ID of the user who may connect; root may always connect
	Anyone bool // whether all users may connect; safe only if the port is in a network that only containers can reach
	// NoTCPOwner simulates a system that cannot identify the owner of a TCP connection. Only tests set it. The
	// method CanIdentify reports what this system can identify.
	NoTCPOwner bool
	// Refused is called for each refused connection, with the reason. It may be nil.
	Refused func(error)
}

// ThisUser returns a Check that accepts the current user and root.
func ThisUser() Check { return Check{UID: os.Getuid()} }

// CanIdentify reports whether this system can identify the owner of a connection. The network is "tcp" or "unix". If
// the system cannot, all connections from this machine are accepted. The caller must then require another proof, such
// as a token.
func (k Check) CanIdentify(network string) bool {
	if network == "unix" {
		return identifiesUnix
	}
	return !k.NoTCPOwner && identifiesTCP()
}

// An OtherUserError reports that a connection was refused because it belongs to another user.
type OtherUserError struct {
	Addr     string // IP address and port of the other machine; empty for this machine
	UID      int    // ID of the user who connected; -1 if it is unknown
	Expected int    // ID of the user who may connect
}

func (e *OtherUserError) Error() string {
	who := fmt.Sprintf("user %d", e.UID)
	if e.UID < 0 {
		who = "an unknown user"
	}
	if e.Addr != "" {
		who += " at " + e.Addr
	}
	return fmt.Sprintf("connection from %s refused, expected user %d or root", who, e.Expected)
}

// errUnchecked is returned for a connection that was not accepted by a Listener of this package.
var errUnchecked = errors.New("connection refused: its owner was not checked")

// errUnsupported is returned by ownerOf if this system cannot identify the owner of a connection.
var errUnsupported = errors.New("this system cannot identify the owner of a connection")

// errNoOwner is returned by ownerOf if no process owns the other end of the connection. The program may already have
// closed its end.
var errNoOwner = errors.New("the connection has no owner")

// decide returns an error if the connection is refused. The result known is false if the connection is accepted
// although its owner was not checked.
func (k Check) decide(c net.Conn) (known bool, err error) {
	if k.Anyone {
		return false, nil
	}
	uid, err := k.owner(c)
	switch {
	case errors.Is(err, errUnsupported) && isLocal(c):
		return false, nil
	case err != nil:
		uid = -1
	case uid == k.UID || uid == 0:
		return true, nil
	}
	stranger := &OtherUserError{UID: uid, Expected: k.UID}
	if !isLocal(c) {
		stranger.Addr = c.RemoteAddr().String()
	}
	return true, stranger
}

func (k Check) owner(c net.Conn) (int, error) {
	if _, tcp := c.(*net.TCPConn); tcp && k.NoTCPOwner {
		return 0, errUnsupported
	}
	return ownerOf(c)
}

// isLocal reports whether a connection comes from this machine. Every connection over a Unix socket is local. On a
// system that cannot identify the owner of such a connection, the permissions of the socket's folder keep other users
// out.
func isLocal(c net.Conn) bool {
	from, ok := c.RemoteAddr().(*net.TCPAddr)
	if !ok {
		_, unix := c.(*net.UnixConn)
		return unix
	}
	at, ok := c.LocalAddr().(*net.TCPAddr)
	return from.IP.IsLoopback() || ok && from.IP.Equal(at.IP)
}

// A Listener accepts connections and returns each as a [*Conn].
type Listener struct {
	net.Listener
	check Check
}

// Listen works like [net.Listen]. The argument check decides who may connect.
func Listen(network, address string, check Check) (*Listener, error) {
	l, err := net.Listen(network, address)
	if err != nil {
		return nil, err
	}
	return &Listener{l, check}, nil
}

// FromFile returns a Listener for a socket that already listens, because another process has called listen. The caller
// must close f. FromFile does not call listen again: clients of a Unix socket would then see this process, and not the
// other process, as the owner of the socket.
func FromFile(f *os.File, check Check) (*Listener, error) {
	l, err := net.FileListener(f)
	if err != nil {
		return nil, err
	}
	return &Listener{l, check}, nil
}

// Accept waits for a connection, and returns it as a [*Conn].
func (l *Listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return l.check.Conn(c), nil
}

// A Conn is a connection. A server must serve a Conn only if the method Check returns nil.
type Conn struct {
	net.Conn
	check       Check
	checkOnce   sync.Once
	ownerKnown  bool
	refused     error
	processOnce sync.Once
	process     Process
}

// Conn returns a [*Conn] for the connection c, which is checked with k.
func (k Check) Conn(c net.Conn) *Conn { return &Conn{Conn: c, check: k} }

// Check returns nil if the connection may be served, and otherwise an [*OtherUserError]. If the system cannot identify
// the owner of a local connection, Check also returns nil: see [Conn.OwnerKnown]. For a nil Conn, Check returns another
// error.
func (c *Conn) Check() error {
	if c == nil {
		return errUnchecked
	}
	c.checkOnce.Do(func() {
		c.ownerKnown, c.refused = c.check.decide(c.Conn)
		if c.refused != nil && c.check.Refused != nil {
			c.check.Refused(c.refused)
		}
	})
	return c.refused
}

// OwnerKnown reports whether the connection is known to belong to the accepted user or to root.
func (c *Conn) OwnerKnown() bool { return c.Check() == nil && c.ownerKnown }

// A Process is a running program. The zero Process stands for an unknown process.
type Process struct {
	PID        int    `json:"pid,omitempty"`
	Name       string `json:"name,omitempty"`
	Executable string `json:"executable,omitempty"` // the path of the program's file
}

// ProcessByPID returns a process of this machine. Fields that the system does not report are empty.
func ProcessByPID(pid int) Process {
	p := Process{PID: pid}
	p.Name, p.Executable = describe(pid)
	return p
}

// Process returns the process at the other end, or the zero Process if the system cannot identify that process.
func (c *Conn) Process() Process {
	if c == nil {
		return Process{}
	}
	c.processOnce.Do(func() { c.process = processOf(c.Conn) })
	return c.process
}

type connKey struct{}

// ConnContext is for the ConnContext field of an [http.Server]. It stores the connection in the context, so that
// [FromRequest] can find the connection of a request.
func ConnContext(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// FromRequest returns the connection of a request, or nil if ConnContext has stored none. The method Check of a nil
// Conn returns an error.
func FromRequest(r *http.Request) *Conn {
	c, _ := r.Context().Value(connKey{}).(*Conn)
	return c
}
