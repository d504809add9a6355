package fakecard

import (
	"context"
	"slices"
	"strings"
	"sync"
)

// Usage is what a card was asked for so far.
type Usage struct {
	Commands  []string // in order, such as "verify", "sign 9c", "calculate"
	PINs      int      // PINs that were tried, right or wrong
	Wrong     int      // of these, how many were wrong
	Touches   int      // how often it waited for a touch, had or missed
	Signed    int      // with any key
	Exchanged int      // likewise
	Codes     int      // of the OATH applet
}

// Count says how many commands had a name.
func (a Usage) Count(name string) int {
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
type recorder struct {
	mu          sync.Mutex
	usage       Usage
	onTouch     func(ctx context.Context, what string) bool
	missTouches int
	pullAt      string
	responses   map[string][]byte
	inserted    context.Context    // ends when the card leaves its reader; nil before it was in one
	remove      context.CancelFunc // pulls it
}

// Usage is what the card was asked for so far.
func (c *Card) Usage() Usage {
	c.recorder.mu.Lock()
	defer c.recorder.mu.Unlock()
	a := c.recorder.usage
	a.Commands = slices.Clone(a.Commands)
	return a
}

// OnTouch makes f the person at the card: it is called when the card blinks, told for what ("9c", or an account's name),
// and returns whether the card was touched in time. Its context ends when the card is pulled. Without one,
// the card is touched at once.
func (c *Card) OnTouch(f func(ctx context.Context, what string) bool) {
	c.recorder.mu.Lock()
	defer c.recorder.mu.Unlock()
	c.recorder.onTouch = f
}

// MissTouch lets the next n touches pass without one.
func (c *Card) MissTouch(n int) {
	c.recorder.mu.Lock()
	defer c.recorder.mu.Unlock()
	c.recorder.missTouches = n
}

// PullAt pulls the card out of its reader in the midst of the next command whose name, as in Asked, begins so.
func (c *Card) PullAt(name string) {
	c.recorder.mu.Lock()
	defer c.recorder.mu.Unlock()
	c.recorder.pullAt = name
}

// SetResponse makes the card answer the commands of that name with something of the test's, and that all went well.
func (c *Card) SetResponse(name string, answer []byte) {
	c.recorder.mu.Lock()
	defer c.recorder.mu.Unlock()
	if c.recorder.responses == nil {
		c.recorder.responses = map[string][]byte{}
	}
	c.recorder.responses[name] = answer
}

// response is what the card was told to answer.
func (l *recorder) response(name string) (answer []byte, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	answer, ok = l.responses[name]
	return answer, ok
}

// insert tells the ledger that the card is in a reader, and what to do when it leaves.
func (l *recorder) insert(onRemove func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	ctx, cancel := context.WithCancel(context.Background())
	context.AfterFunc(ctx, onRemove)
	l.inserted, l.remove = ctx, cancel
}

// removeCard tells the ledger that the card has left its reader.
func (l *recorder) removeCard() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.remove != nil {
		l.remove()
	}
}

// isRemoved reports whether the card has left the reader that it was in.
func (l *recorder) isRemoved() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.inserted != nil && l.inserted.Err() != nil
}

// recordCommand notes a command, and pulls the card if this is the one to do so at.
func (l *recorder) recordCommand(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.usage.Commands = append(l.usage.Commands, name)
	if l.pullAt != "" && strings.HasPrefix(name, l.pullAt) && l.remove != nil {
		l.pullAt = ""
		l.remove()
	}
}

func (l *recorder) update(f func(*Usage)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f(&l.usage)
}

// waitTouch waits for a touch and returns whether there was one.
func (l *recorder) waitTouch(name string) bool {
	l.mu.Lock()
	l.usage.Touches++
	onTouch, out, miss := l.onTouch, l.inserted, l.missTouches > 0
	if miss {
		l.missTouches--
	}
	l.mu.Unlock()
	switch {
	case miss:
		return false
	case onTouch == nil:
		return true
	case out == nil:
		out = context.Background()
	}
	return onTouch(out, name)
}
