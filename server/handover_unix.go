//go:build unix

package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"aws-vault/vault/peer"
)

// A Handover gives the socket of the metadata service to processes of one user, to one at
// a time. It takes privileges to have such a socket and none to give it away: so whoever
// asks over it is seen by the process that answers, and nothing that they send by one that
// has privileges.
type Handover struct {
	Bound *os.File // see [Alias.Bind]

	held atomic.Bool
}

// What the process that asks is told.
const (
	handedOver = "yes"
	alreadyOut = "another process has it"
)

// handTime is how long it may take to take the socket.
const handTime = 5 * time.Second

// Serve hands the socket over to those whom the listener's check accepts, until ctx ends. It
// closes the listener, which is at a path.
func (h *Handover) Serve(ctx context.Context, l *peer.Listener) error {
	var guests sync.WaitGroup
	defer guests.Wait()
	ctx, end := context.WithCancel(ctx)
	defer end()
	context.AfterFunc(ctx, func() { l.Close() })
	for {
		c, err := l.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		guests.Go(func() {
			gone := context.AfterFunc(ctx, func() { c.Close() })
			defer gone()
			h.give(c.(*peer.Conn))
		})
	}
}

// give lets one process have the socket for as long as it stays connected.
func (h *Handover) give(from *peer.Conn) {
	defer from.Close()
	c, unixSocket := from.Conn.(*net.UnixConn)
	if !unixSocket || from.Check() != nil {
		return
	}
	c.SetWriteDeadline(time.Now().Add(handTime))
	if !h.held.CompareAndSwap(false, true) {
		io.WriteString(c, alreadyOut)
		return
	}
	defer h.held.Store(false)
	if _, _, err := c.WriteMsgUnix([]byte(handedOver), unix.UnixRights(int(h.Bound.Fd())), nil); err != nil {
		return
	}
	io.Copy(io.Discard, c) // it sends nothing and goes
	// Whoever comes now is refused at once, rather than left to wait for the next process.
	unix.Shutdown(int(h.Bound.Fd()), unix.SHUT_RDWR)
}

// A Lent is a listener that another process has handed over.
type Lent struct {
	net.Listener
	from *net.UnixConn
}

// Close ends the listening and gives the socket back.
func (l *Lent) Close() error {
	err := l.Listener.Close()
	return errors.Join(err, l.from.Close())
}

// Wait returns nil once the process is gone that has handed the socket over, and an error
// after Close.
func (l *Lent) Wait() error {
	_, err := io.Copy(io.Discard, l.from)
	return err
}

// errImpostor is for a handover that root has not started.
var errImpostor = errors.New("it was not started by root")

// TakeOver has the socket handed over that a process of root's offers at a path, and
// listens with it for those whom the check accepts.
func TakeOver(path string, who peer.Check) (*Lent, error) {
	conn, err := net.Dial("unix", path)
	if err != nil {
		return nil, err
	}
	c := conn.(*net.UnixConn)
	l, err := takeOver(c, who)
	if err != nil {
		c.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &Lent{l, c}, nil
}

func takeOver(c *net.UnixConn, who peer.Check) (net.Listener, error) {
	if (peer.Check{}).Conn(c).Check() != nil {
		return nil, errImpostor
	}
	c.SetReadDeadline(time.Now().Add(handTime))
	text, control := make([]byte, 64), make([]byte, unix.CmsgSpace(4))
	n, m, _, _, err := c.ReadMsgUnix(text, control)
	if err != nil {
		return nil, err
	}
	c.SetReadDeadline(time.Time{})
	if string(text[:n]) != handedOver {
		return nil, fmt.Errorf("it says %q", text[:n])
	}
	messages, err := unix.ParseSocketControlMessage(control[:m])
	if err != nil || len(messages) != 1 {
		return nil, errors.New("it has handed nothing over")
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		return nil, errors.New("it has handed nothing over")
	}
	f := os.NewFile(uintptr(fds[0]), "metadata")
	defer f.Close()
	return peer.Bound(f, who)
}
