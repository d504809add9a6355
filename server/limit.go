package server

import (
	"container/list"
	"net"
	"net/http"
	"sync"
	"time"
)

// minIdle is how long a connection is left alone before it has to give way: time enough
// for a client that wants something to say so.
const minIdle = time.Second

// A gate bounds the connections of a listener. Where there are too many, the one that
// has been idle the longest gives way; while all are busy, new ones wait outside.
type limitedListener struct {
	net.Listener
	max   int
	clock Clock

	mu      sync.Mutex
	changed *sync.Cond
	conns   map[net.Conn]*list.Element
	list    list.List // of *guest, among the idle ones the longest idle in front
	closed  bool
}

// A guest is a connection that was let in.
type trackedConn struct {
	conn      net.Conn
	busy      bool      // something is being asked
	idleSince time.Time // idle since then
}

func newLimitedListener(l net.Listener, most int, clock Clock) *limitedListener {
	g := &limitedListener{Listener: l, max: most, clock: clock, conns: map[net.Conn]*list.Element{}}
	g.changed = sync.NewCond(&g.mu)
	return g
}

// Accept waits for a connection, and then until there is room for it.
func (g *limitedListener) Accept() (net.Conn, error) {
	c, err := g.Listener.Accept()
	if err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for len(g.conns) >= g.max && !g.closed {
		g.makeRoom()
	}
	if g.closed {
		c.Close()
		return nil, net.ErrClosed
	}
	g.conns[c] = g.list.PushBack(&trackedConn{conn: c, idleSince: g.clock.Now()})
	return c, nil
}

// makeRoom lets the connection go that has been idle the longest, or waits until one may.
func (g *limitedListener) makeRoom() {
	longest := g.longestIdle()
	if longest == nil {
		g.changed.Wait()
		return
	}
	if wait := minIdle - g.clock.Now().Sub(longest.idleSince); wait > 0 {
		t := g.clock.AfterFunc(wait, func() {
			g.mu.Lock() // so that it is heard
			defer g.mu.Unlock()
			g.changed.Signal()
		})
		g.changed.Wait()
		t.Stop()
		return
	}
	g.remove(longest.conn)
	longest.conn.Close()
}

func (g *limitedListener) longestIdle() *trackedConn {
	for e := g.list.Front(); e != nil; e = e.Next() {
		if c := e.Value.(*trackedConn); !c.busy {
			return c
		}
	}
	return nil
}

// trackState follows the state of a connection, as [http.Server] tells it.
func (g *limitedListener) trackState(c net.Conn, state http.ConnState) {
	g.mu.Lock()
	defer g.mu.Unlock()
	e := g.conns[c]
	if e == nil {
		return // it has given way
	}
	guest := e.Value.(*trackedConn)
	switch state {
	case http.StateActive:
		guest.busy = true
	case http.StateIdle:
		guest.busy, guest.idleSince = false, g.clock.Now()
		g.list.MoveToBack(e)
		g.changed.Signal()
	case http.StateClosed, http.StateHijacked:
		g.remove(c)
	}
}

func (g *limitedListener) remove(c net.Conn) {
	if e := g.conns[c]; e != nil {
		g.list.Remove(e)
	}
	delete(g.conns, c)
	g.changed.Signal()
}

// shutDown lets nobody in any more, and sends those away who ask nothing: [http.Server] would
// wait for the first request of a connection.
func (g *limitedListener) shutDown() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	for c, e := range g.conns {
		if !e.Value.(*trackedConn).busy {
			g.remove(c)
			c.Close()
		}
	}
	g.changed.Broadcast()
}
