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
	conns map[net.Conn]*list.Element
	order list.List // of *guest, among the idle ones the longest idle in front
	done  bool
}

// A guest is a connection that was let in.
type guest struct {
	conn  net.Conn
	busy  bool      // something is being asked
	since time.Time // idle since then
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
	g.conns[c] = g.order.PushBack(&guest{conn: c, since: g.clock.Now()})
	return c, nil
}

// makeRoom lets the connection go that has been idle the longest, or waits until one may.
func (g *gate) makeRoom() {
	longest := g.longestIdle()
	if longest == nil {
		g.room.Wait()
		return
	}
	if wait := courtesy - g.clock.Now().Sub(longest.since); wait > 0 {
		t := g.clock.AfterFunc(wait, func() {
			g.mu.Lock() // so that it is heard
			defer g.mu.Unlock()
			g.room.Signal()
		})
		g.room.Wait()
		t.Stop()
		return
	}
	g.drop(longest.conn)
	longest.conn.Close()
}

func (g *gate) longestIdle() *guest {
	for e := g.order.Front(); e != nil; e = e.Next() {
		if c := e.Value.(*guest); !c.busy {
			return c
		}
	}
	return nil
}

// note follows the state of a connection, as [http.Server] tells it.
func (g *gate) note(c net.Conn, state http.ConnState) {
	g.mu.Lock()
	defer g.mu.Unlock()
	e := g.conns[c]
	if e == nil {
		return // it has given way
	}
	guest := e.Value.(*guest)
	switch state {
	case http.StateActive:
		guest.busy = true
	case http.StateIdle:
		guest.busy, guest.since = false, g.clock.Now()
		g.order.MoveToBack(e)
		g.room.Signal()
	case http.StateClosed, http.StateHijacked:
		g.drop(c)
	}
}

func (g *gate) drop(c net.Conn) {
	if e := g.conns[c]; e != nil {
		g.order.Remove(e)
	}
	delete(g.conns, c)
	g.room.Signal()
}

// shut lets nobody in any more, and sends those away who ask nothing: [http.Server] would
// wait for the first request of a connection.
func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.done = true
	for c, e := range g.conns {
		if !e.Value.(*guest).busy {
			g.drop(c)
			c.Close()
		}
	}
	g.room.Broadcast()
}
