// Package peer opens every port and socket that the program listens on, and decides who may
// connect. What is served there is left to its callers.
//
// A connection is checked once, when its first request has arrived. ARCHITECTURE.md lists
// all listeners, and what the check is on each system.
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

// A Check decides who may connect. The zero Check accepts root only.
type Check struct {
	UID    int  // the user whose programs may connect; root's may too
	Anyone bool // accepts everyone, for a port in a container's own network
	// NoTCPOwner says that this system does not tell whose a TCP connection is. Tests set it; see
	// Tells for the systems where it is always so.
	NoTCPOwner bool
	// Refused, if it is set, is called for every connection that is refused.
	Refused func(error)
}

// ThisUser accepts the user who runs this program, and root.
func ThisUser() Check { return Check{UID: os.Getuid()} }

// CanIdentify reports whether this system says whose a connection is, for the network "tcp" or
// "unix". Where it does not, connections from this machine are accepted, and the caller
// needs another proof.
func (k Check) CanIdentify(network string) bool {
	if network == "unix" {
		return identifiesUnix
	}
	return !k.NoTCPOwner && identifiesTCP()
}

// A OtherUserError is returned for a connection of another user.
type OtherUserError struct {
	Addr     string // of another machine; empty for this one
	UID      int    // -1 if it is unknown
	Expected int    // the user who may connect
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

// errUnchecked is returned for a connection that no Check was made for.
var errUnchecked = errors.New("connection refused: nothing says whose it is")

// errUnsupported is returned by ownerOf if this system does not say whose a connection is.
var errUnsupported = errors.New("this system does not say whose a connection is")

// errNoOwner is returned by ownerOf if the system would know the owner, but has none.
// The program at the other end may have closed the connection already.
var errNoOwner = errors.New("the connection has no owner")

// decide returns whether the owner of a connection is known, and why it is refused.
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

// isLocal reports whether a connection comes from this machine. At a socket in the file
// system, the permissions of its folder keep other users out.
func isLocal(c net.Conn) bool {
	from, ok := c.RemoteAddr().(*net.TCPAddr)
	if !ok {
		_, unix := c.(*net.UnixConn)
		return unix
	}
	at, ok := c.LocalAddr().(*net.TCPAddr)
	return from.IP.IsLoopback() || ok && from.IP.Equal(at.IP)
}

// A Listener accepts connections that know whether they may be served.
type Listener struct {
	net.Listener
	check Check
}

// Listen listens as [net.Listen] does.
func Listen(network, address string, check Check) (*Listener, error) {
	l, err := net.Listen(network, address)
	if err != nil {
		return nil, err
	}
	return &Listener{l, check}, nil
}

// FromFile accepts at a socket that listens already, since another process opened it. The caller
// closes the file. It does not listen again: at a Unix socket, that would make this process
// the one that clients see as its owner.
func FromFile(f *os.File, check Check) (*Listener, error) {
	l, err := net.FileListener(f)
	if err != nil {
		return nil, err
	}
	return &Listener{l, check}, nil
}

// Accept waits for a connection, which is a [*Conn].
func (l *Listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return l.check.Conn(c), nil
}

// A Conn is a connection that is not served unless its Check returns nil.
type Conn struct {
	net.Conn
	check       Check
	checkOnce   sync.Once
	ownerKnown  bool
	refused     error
	processOnce sync.Once
	process     Process
}

// Conn returns the connection with this check.
func (k Check) Conn(c net.Conn) *Conn { return &Conn{Conn: c, check: k} }

// Check returns nil if the program at the other end may be served, and otherwise a
// [*OtherUserError]. It is nil too for a connection from this machine whose owner the
// system does not tell; see [Conn.Known].
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

// OwnerKnown reports whether the connection is certainly one of this user or root.
func (c *Conn) OwnerKnown() bool { return c.Check() == nil && c.ownerKnown }

// A Process is a running program. The zero Process is an unknown one.
type Process struct {
	PID  int    `json:"pid,omitempty"`
	Name string `json:"name,omitempty"`
}

// Process returns the program at the other end, if the system tells.
func (c *Conn) Process() Process {
	if c == nil {
		return Process{}
	}
	c.processOnce.Do(func() { c.process = processOf(c.Conn) })
	return c.process
}

type connKey struct{}

// ConnContext is the ConnContext of an [http.Server], so that [FromRequest] finds a request's connection.
func ConnContext(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// FromRequest returns the connection of a request. Without one it is nil, whose Check refuses.
func FromRequest(r *http.Request) *Conn {
	c, _ := r.Context().Value(connKey{}).(*Conn)
	return c
}
