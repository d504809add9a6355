package server

import (
	"container/list"
	"net"
	"net/http"
	"sync"
	"time"
)

// minIdle is how long a connection must be idle before it can be closed. So a new client has this much time to
// send its first request.
const minIdle = time.Second

// A limitedListener limits the number of open connections. If the limit is reached, it closes the connection that
// has been idle for the longest time. If no connection is idle, new connections wait.
type limitedListener struct {
	net.Listener
	max   int
	clock Clock

	mu      sync.Mutex
	changed *sync.Cond
	conns   map[net.Conn]*list.Element
	list    list.List // the elements are *trackedConn; idle connections are in the order in which they became idle
	closed  bool
}

// A trackedConn is an accepted connection.
type trackedConn struct {
	conn      net.Conn
	busy      bool      // whether a request is in progress
	idleSince time.Time // when the connection became idle; not used while it is busy
}

func newLimitedListener(inner net.Listener, most int, clock Clock) *limitedListener {
	l := &limitedListener{Listener: inner, max: most, clock: clock, conns: map[net.Conn]*list.Element{}}
	l.changed = sync.NewCond(&l.mu)
	return l
}

// Accept accepts a connection, and returns it when the number of open connections is below the limit.
func (l *limitedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.conns) >= l.max && !l.closed {
		l.makeRoom()
	}
	if l.closed {
		c.Close()
		return nil, net.ErrClosed
	}
	l.conns[c] = l.list.PushBack(&trackedConn{conn: c, idleSince: l.clock.Now()})
	return c, nil
}

// makeRoom closes the connection that has been idle for the longest time. If no connection has been idle for at
// least minIdle, makeRoom closes none and waits. The wait ends when a connection has been closed, or when one may
// have been idle for minIdle. Accept then calls makeRoom again.
func (l *limitedListener) makeRoom() {
	longest := l.longestIdle()
	if longest == nil {
		l.changed.Wait()
		return
	}
	if wait := minIdle - l.clock.Now().Sub(longest.idleSince); wait > 0 {
		t := l.clock.AfterFunc(wait, func() {
			l.mu.Lock() // acquire the lock, so that Signal is called only after Wait has started
			defer l.mu.Unlock()
			l.changed.Signal()
		})
		l.changed.Wait()
		t.Stop()
		return
	}
	l.remove(longest.conn)
	longest.conn.Close()
}

func (l *limitedListener) longestIdle() *trackedConn {
	for e := l.list.Front(); e != nil; e = e.Next() {
		if c := e.Value.(*trackedConn); !c.busy {
			return c
		}
	}
	return nil
}

// trackState records whether a connection is idle, busy or closed. It is the ConnState function of an [http.Server].
func (l *limitedListener) trackState(c net.Conn, state http.ConnState) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.conns[c]
	if e == nil {
		return // makeRoom or shutDown has already closed the connection
	}
	tc := e.Value.(*trackedConn)
	switch state {
	case http.StateActive:
		tc.busy = true
	case http.StateIdle:
		tc.busy, tc.idleSince = false, l.clock.Now()
		l.list.MoveToBack(e)
		l.changed.Signal()
	case http.StateClosed, http.StateHijacked:
		l.remove(c)
	}
}

func (l *limitedListener) remove(c net.Conn) {
	if e := l.conns[c]; e != nil {
		l.list.Remove(e)
	}
	delete(l.conns, c)
	l.changed.Signal()
}

// shutDown stops accepting connections, and closes the idle connections. Otherwise [http.Server] would wait for
// the first request of each connection that has sent none.
func (l *limitedListener) shutDown() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for c, e := range l.conns {
		if !e.Value.(*trackedConn).busy {
			l.remove(c)
			c.Close()
		}
	}
	l.changed.Broadcast()
}
