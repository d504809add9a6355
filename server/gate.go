package server

import (
	"container/list"
	"net"
	"net/http"
	"sync"
	"time"
)

// courtesy is how long a connection is left alone before it has to give way: time enough
// for a client that wants something to say so.
const courtesy = time.Second

// A gate bounds the connections of a listener. Where there are too many, the one that
// has been idle the longest gives way; while all are busy, new ones wait outside.
type gate struct {
	net.Listener
	most  int
	clock Clock

	mu    sync.Mutex
	room  *sync.Cond
	conns map[net.Conn]*list.Element // nil while busy
	idle  list.List                  // of *resting, the longest idle in front
	done  bool
}

// resting is a connection on which nothing is asked, not even its first request.
type resting struct {
	conn  net.Conn
	since time.Time
}

func newGate(l net.Listener, most int, clock Clock) *gate {
	g := &gate{Listener: l, most: most, clock: clock, conns: map[net.Conn]*list.Element{}}
	g.room = sync.NewCond(&g.mu)
	return g
}

// Accept waits for a connection, and then until there is room for it.
func (g *gate) Accept() (net.Conn, error) {
	c, err := g.Listener.Accept()
	if err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for len(g.conns) >= g.most && !g.done {
		g.makeRoom()
	}
	if g.done {
		c.Close()
		return nil, net.ErrClosed
	}
	g.conns[c] = g.rest(c)
	return c, nil
}

// makeRoom lets the connection go that has been idle the longest, or waits until one may.
func (g *gate) makeRoom() {
	front := g.idle.Front()
	if front == nil {
		g.room.Wait()
		return
	}
	r := front.Value.(*resting)
	if wait := courtesy - g.clock.Now().Sub(r.since); wait > 0 {
		t := g.clock.AfterFunc(wait, func() {
			g.mu.Lock() // so that it is heard
			defer g.mu.Unlock()
			g.room.Signal()
		})
		g.room.Wait()
		t.Stop()
		return
	}
	g.drop(r.conn)
	r.conn.Close()
}

func (g *gate) rest(c net.Conn) *list.Element {
	return g.idle.PushBack(&resting{c, g.clock.Now()})
}

// note follows the state of a connection, as [http.Server] tells it.
func (g *gate) note(c net.Conn, state http.ConnState) {
	g.mu.Lock()
	defer g.mu.Unlock()
	e, known := g.conns[c]
	if !known {
		return // it has given way
	}
	switch state {
	case http.StateActive:
		if e != nil {
			g.idle.Remove(e)
			g.conns[c] = nil
		}
	case http.StateIdle:
		if e == nil {
			g.conns[c] = g.rest(c)
			g.room.Signal()
		}
	case http.StateClosed, http.StateHijacked:
		g.drop(c)
	}
}

func (g *gate) drop(c net.Conn) {
	if e := g.conns[c]; e != nil {
		g.idle.Remove(e)
	}
	delete(g.conns, c)
	g.room.Signal()
}

// shut lets nobody in any more.
func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.done = true
	g.room.Broadcast()
}
