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

// A SocketProvider passes the socket of the metadata service to a process of the user. Only root can bind this
// socket to its address. After the socket is bound, the SocketProvider and the process that handles requests need
// no root privileges. Only one process at a time can have the socket.
type SocketProvider struct {
	Socket *os.File // the socket, created by [Alias.Bind]

	inUse atomic.Bool
}

// These are the replies to a process that requests the socket.
const (
	replyGranted = "yes"
	replyInUse   = "another process is using the socket"
)

// transferTimeout is the maximum time for passing the socket to a process.
const transferTimeout = 5 * time.Second

// Serve passes the socket to each process that connects to l and passes the check of l. It does so until ctx ends,
// and then closes l. The listener l must be a Unix socket listener.
func (p *SocketProvider) Serve(ctx context.Context, l *peer.Listener) error {
	var transfers sync.WaitGroup
	defer transfers.Wait()
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
		transfers.Go(func() {
			stop := context.AfterFunc(ctx, func() { c.Close() })
			defer stop()
			p.provide(c.(*peer.Conn))
		})
	}
}

// provide passes the socket to the process at the other end of conn. The process can use the socket until it
// closes the connection.
func (p *SocketProvider) provide(conn *peer.Conn) {
	defer conn.Close()
	c, unixSocket := conn.Conn.(*net.UnixConn)
	if !unixSocket || conn.Check() != nil {
		return
	}
	c.SetWriteDeadline(time.Now().Add(transferTimeout))
	if !p.inUse.CompareAndSwap(false, true) {
		io.WriteString(c, replyInUse)
		return
	}
	defer p.inUse.Store(false)
	if _, _, err := c.WriteMsgUnix([]byte(replyGranted), unix.UnixRights(int(p.Socket.Fd())), nil); err != nil {
		return
	}
	io.Copy(io.Discard, c) // wait until the process closes the connection
	// Stop listening, so that clients are refused at once. Otherwise clients would wait until another process has the
	// socket.
	unix.Shutdown(int(p.Socket.Fd()), unix.SHUT_RDWR)
}

// A ReceivedListener is a listener on a socket that a SocketProvider in another process has passed to this process.
type ReceivedListener struct {
	net.Listener
	provider *net.UnixConn
}

// Close stops listening and returns the socket to the process that provided it.
func (l *ReceivedListener) Close() error {
	err := l.Listener.Close()
	return errors.Join(err, l.provider.Close())
}

// Wait waits until the process that provided the socket ends, and returns nil. After Close, Wait returns an error.
func (l *ReceivedListener) Wait() error {
	_, err := io.Copy(io.Discard, l.provider)
	return err
}

// errNotRoot reports that the Unix socket at the path was not created by root. Another program may listen there.
var errNotRoot = errors.New("the socket was not created by root")

// ReceiveSocket receives the metadata service's socket from the SocketProvider that listens at path. It fails if
// the Unix socket at path was not created by root. The returned listener accepts only connections that pass the
// check.
func ReceiveSocket(path string, check peer.Check) (*ReceivedListener, error) {
	conn, err := net.Dial("unix", path)
	if err != nil {
		return nil, err
	}
	c := conn.(*net.UnixConn)
	l, err := receiveSocket(c, check)
	if err != nil {
		c.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &ReceivedListener{l, c}, nil
}

func receiveSocket(c *net.UnixConn, check peer.Check) (net.Listener, error) {
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
		return nil, fmt.Errorf("aws-vault proxy replied %q", text[:n])
	}
	messages, err := unix.ParseSocketControlMessage(control[:m])
	if err != nil || len(messages) != 1 {
		return nil, errors.New("no socket was received")
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		return nil, errors.New("no socket was received")
	}
	f := os.NewFile(uintptr(fds[0]), "metadata")
	defer f.Close()
	return peer.ListenBound(f, check)
}
