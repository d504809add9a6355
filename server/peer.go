package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
)

// A PeerCheck says why nobody may ask over a connection, or nil. It is called once for
// each connection, when the first request comes.
type PeerCheck func(net.Conn) error

// A Process is a program that runs. The zero Process is one that is not known.
type Process struct {
	PID  int    `json:"pid,omitempty"`
	Name string `json:"name,omitempty"`
}

// A PeerError is returned for a peer that may not ask.
type PeerError struct {
	Addr string // empty for a socket in the file system
	UID  int    // -1 where it is not known
	Want string
}

func (e *PeerError) Error() string {
	who := "the peer"
	if e.Addr != "" {
		who += " " + e.Addr
	}
	if e.UID >= 0 {
		who = fmt.Sprintf("%s of user %d", who, e.UID)
	}
	return who + " may not ask, want " + e.Want
}

// ErrUnknownPeer is returned where the system does not tell whose a connection is.
var ErrUnknownPeer = errors.New("the system does not say whose the connection is")

// OnThisMachine lets in whoever asks from this machine, and over a socket in the file
// system only the user with this number, where the system tells.
func OnThisMachine(uid int) PeerCheck {
	return func(c net.Conn) error {
		if _, ok := c.(*net.UnixConn); ok {
			if err := OwnedBy(uid)(c); !errors.Is(err, errors.ErrUnsupported) {
				return err
			}
			return nil // the folder that it lies in is the user's alone
		}
		if a, ok := c.RemoteAddr().(*net.TCPAddr); ok && a.IP.IsLoopback() {
			return nil
		}
		return &PeerError{Addr: c.RemoteAddr().String(), UID: -1, Want: "one on this machine"}
	}
}

// OwnedBy lets in the user with this number only. On systems that do not tell whose a
// connection is, its error is [errors.ErrUnsupported] for everybody; see [PeersKnown].
func OwnedBy(uid int) PeerCheck {
	return func(c net.Conn) error {
		owner, err := ownerOf(c)
		switch {
		case err != nil:
			return fmt.Errorf("peer %s: %w", c.RemoteAddr(), err)
		case owner != uid:
			return &PeerError{Addr: c.RemoteAddr().String(), UID: owner, Want: fmt.Sprintf("user %d", uid)}
		}
		return nil
	}
}

// connection is what is known of a connection, found out when it is needed.
type connection struct {
	net.Conn
	checked sync.Once
	refused error
	named   sync.Once
	process Process
}

func (c *connection) check(by PeerCheck) error {
	if c == nil {
		return ErrUnknownPeer
	}
	c.checked.Do(func() { c.refused = by(c.Conn) })
	return c.refused
}

// peer is the process at the other end; zero if that is not known.
func (c *connection) peer() Process {
	if c == nil {
		return Process{}
	}
	c.named.Do(func() { c.process = processOf(c.Conn) })
	return c.process
}

type connectionKey struct{}

// remember lets requests know the connection that they came over.
func remember(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connectionKey{}, &connection{Conn: c})
}

func connectionOf(r *http.Request) *connection {
	c, _ := r.Context().Value(connectionKey{}).(*connection)
	return c
}
