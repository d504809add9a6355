package fakecard

import (
	"context"
	"slices"
	"strings"
	"sync"
)

// Asked is what a card was asked for so far.
type Asked struct {
	Commands  []string // in order, such as "verify", "sign 9c", "calculate"
	PINs      int      // PINs that were tried, right or wrong
	Wrong     int      // of these, how many were wrong
	Touches   int      // how often it waited for a touch, had or missed
	Signed    int      // with any key
	Exchanged int      // likewise
	Codes     int      // of the OATH applet
}

// Count says how many commands had a name.
func (a Asked) Count(name string) int {
	n := 0
	for _, c := range a.Commands {
		if c == name {
			n++
		}
	}
	return n
}

// A ledger counts what a card is asked, and holds what is to go wrong. It has a lock of its own, so that a test
// can look while a command waits for a touch.
type ledger struct {
	mu    sync.Mutex
	asked Asked
	touch func(ctx context.Context, what string) bool
	miss  int
	pull  string
	lies  map[string][]byte
	out   context.Context    // ends when the card leaves its reader; nil before it was in one
	leave context.CancelFunc // pulls it
}

// Asked is what the card was asked for so far.
func (c *Card) Asked() Asked {
	c.ledger.mu.Lock()
	defer c.ledger.mu.Unlock()
	a := c.ledger.asked
	a.Commands = slices.Clone(a.Commands)
	return a
}

// OnTouch makes f the person at the card: it is called when the card blinks, told for what ("9c", or an account's name),
// and returns whether the card was touched in time. Its context ends when the card is pulled. Without one,
// the card is touched at once.
func (c *Card) OnTouch(f func(ctx context.Context, what string) bool) {
	c.ledger.mu.Lock()
	defer c.ledger.mu.Unlock()
	c.ledger.touch = f
}

// MissTouch lets the next n touches pass without one.
func (c *Card) MissTouch(n int) {
	c.ledger.mu.Lock()
	defer c.ledger.mu.Unlock()
	c.ledger.miss = n
}

// PullAt pulls the card out of its reader in the midst of the next command whose name, as in Asked, begins so.
func (c *Card) PullAt(name string) {
	c.ledger.mu.Lock()
	defer c.ledger.mu.Unlock()
	c.ledger.pull = name
}

// Lie makes the card answer the commands of that name with something of the test's, and that all went well.
func (c *Card) Lie(name string, answer []byte) {
	c.ledger.mu.Lock()
	defer c.ledger.mu.Unlock()
	if c.ledger.lies == nil {
		c.ledger.lies = map[string][]byte{}
	}
	c.ledger.lies[name] = answer
}

// lie is what the card was told to answer.
func (l *ledger) lie(name string) (answer []byte, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	answer, ok = l.lies[name]
	return answer, ok
}

// inserted tells the ledger that the card is in a reader, and what to do when it leaves.
func (l *ledger) inserted(leave func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	ctx, cancel := context.WithCancel(context.Background())
	context.AfterFunc(ctx, leave)
	l.out, l.leave = ctx, cancel
}

// removed tells the ledger that the card has left its reader.
func (l *ledger) removed() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.leave != nil {
		l.leave()
	}
}

// gone reports whether the card has left the reader that it was in.
func (l *ledger) gone() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out != nil && l.out.Err() != nil
}

// command notes a command, and pulls the card if this is the one to do so at.
func (l *ledger) command(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked.Commands = append(l.asked.Commands, name)
	if l.pull != "" && strings.HasPrefix(name, l.pull) && l.leave != nil {
		l.pull = ""
		l.leave()
	}
}

func (l *ledger) note(f func(*Asked)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f(&l.asked)
}

// touched waits for a touch and returns whether there was one.
func (l *ledger) touched(what string) bool {
	l.mu.Lock()
	l.asked.Touches++
	person, out, miss := l.touch, l.out, l.miss > 0
	if miss {
		l.miss--
	}
	l.mu.Unlock()
	switch {
	case miss:
		return false
	case person == nil:
		return true
	case out == nil:
		out = context.Background()
	}
	return person(out, what)
}
