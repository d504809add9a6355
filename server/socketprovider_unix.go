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
type SocketProvider struct {
	Socket *os.File // see [Alias.Bind]

	inUse atomic.Bool
}

// What the process that asks is told.
const (
	replyGranted = "yes"
	replyInUse   = "another process has it"
)

// transferTimeout is how long it may take to take the socket.
const transferTimeout = 5 * time.Second

// Serve hands the socket over to those whom the listener's check accepts, until ctx ends. It
// closes the listener, which is at a path.
func (h *SocketProvider) Serve(ctx context.Context, l *peer.Listener) error {
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
			h.provide(c.(*peer.Conn))
		})
	}
}

// provide lets one process have the socket for as long as it stays connected.
func (h *SocketProvider) provide(from *peer.Conn) {
	defer from.Close()
	c, unixSocket := from.Conn.(*net.UnixConn)
	if !unixSocket || from.Check() != nil {
		return
	}
	c.SetWriteDeadline(time.Now().Add(transferTimeout))
	if !h.inUse.CompareAndSwap(false, true) {
		io.WriteString(c, replyInUse)
		return
	}
	defer h.inUse.Store(false)
	if _, _, err := c.WriteMsgUnix([]byte(replyGranted), unix.UnixRights(int(h.Socket.Fd())), nil); err != nil {
		return
	}
	io.Copy(io.Discard, c) // it sends nothing and goes
	// Whoever comes now is refused at once, rather than left to wait for the next process.
	unix.Shutdown(int(h.Socket.Fd()), unix.SHUT_RDWR)
}

// A Lent is a listener that another process has handed over.
type ReceivedListener struct {
	net.Listener
	provider *net.UnixConn
}

// Close ends the listening and gives the socket back.
func (l *ReceivedListener) Close() error {
	err := l.Listener.Close()
	return errors.Join(err, l.provider.Close())
}

// Wait returns nil once the process is gone that has handed the socket over, and an error
// after Close.
func (l *ReceivedListener) Wait() error {
	_, err := io.Copy(io.Discard, l.provider)
	return err
}

// errNotRoot is for a handover that root has not started.
var errNotRoot = errors.New("it was not started by root")

// ReceiveSocket has the socket handed over that a process of root's offers at a path, and
// listens with it for those whom the check accepts.
func ReceiveSocket(path string, who peer.Check) (*ReceivedListener, error) {
	conn, err := net.Dial("unix", path)
	if err != nil {
		return nil, err
	}
	c := conn.(*net.UnixConn)
	l, err := receiveSocket(c, who)
	if err != nil {
		c.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &ReceivedListener{l, c}, nil
}

func receiveSocket(c *net.UnixConn, who peer.Check) (net.Listener, error) {
	if (peer.Check{}).Conn(c).Check() != nil {
		return nil, errNotRoot
	}
	c.SetReadDeadline(time.Now().Add(transferTimeout))
	text, control := make([]byte, 64), make([]byte, unix.CmsgSpace(4))
	n, m, _, _, err := c.ReadMsgUnix(text, control)
	if err != nil {
		return nil, err
	}
	c.SetReadDeadline(time.Time{})
	if string(text[:n]) != replyGranted {
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
	return peer.ListenBound(f, who)
}
