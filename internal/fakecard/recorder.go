package fakecard

import (
	"context"
	"slices"
	"strings"
	"sync"
)

// Usage counts the commands that a card has received.
type Usage struct {
	Commands  []string // names of the commands in order, such as "verify", "sign 9c", "calculate"
	PINs      int      // number of PINs that were tried, right or wrong
	Wrong     int      // number of wrong PINs that were tried
	Touches   int      // how often the card waited for a touch, including missed touches
	Signed    int      // number of signatures, with all keys together
	Exchanged int      // number of key exchanges, with all keys together
	Codes     int      // number of codes that the OATH applet has returned
}

// Count returns how many commands with the given name the card has received.
func (a Usage) Count(name string) int {
	n := 0
	for _, c := range a.Commands {
		if c == name {
			n++
		}
	}
	return n
}

// A recorder counts the commands that a card receives, and stores the failures to simulate. It has a separate lock,
// so that a test can read the counts while a command waits for a touch.
type recorder struct {
	mu          sync.Mutex
	usage       Usage
	onTouch     func(ctx context.Context, what string) bool
	missTouches int
	pullAt      string
	responses   map[string][]byte
	inserted    context.Context    // ends when the card is removed from its reader; nil until the card is inserted
	remove      context.CancelFunc // cancels the context inserted
}

// Usage returns the counts of the commands received so far.
func (c *Card) Usage() Usage {
	c.recorder.mu.Lock()
	defer c.recorder.mu.Unlock()
	a := c.recorder.usage
	a.Commands = slices.Clone(a.Commands)
	return a
}

// OnTouch sets the function f, which is called when the card waits for a touch. The argument what names the slot, such
// as "9c", or the account. The function returns whether the card was touched in time. Its context ends when the card is
// removed. If f is nil, or OnTouch is not called, every touch succeeds immediately.
func (c *Card) OnTouch(f func(ctx context.Context, what string) bool) {
	c.recorder.mu.Lock()
	defer c.recorder.mu.Unlock()
	c.recorder.onTouch = f
}

// MissTouch simulates that the user misses the next n touches.
func (c *Card) MissTouch(n int) {
	c.recorder.mu.Lock()
	defer c.recorder.mu.Unlock()
	c.recorder.missTouches = n
}

// PullAt removes the card during the next command whose name in Usage.Commands starts with the given name.
func (c *Card) PullAt(name string) {
	c.recorder.mu.Lock()
	defer c.recorder.mu.Unlock()
	c.recorder.pullAt = name
}

// SetResponse sets the response to all commands with the given name. The response consists of the data in the argument
// answer and a success status.
func (c *Card) SetResponse(name string, answer []byte) {
	c.recorder.mu.Lock()
	defer c.recorder.mu.Unlock()
	if c.recorder.responses == nil {
		c.recorder.responses = map[string][]byte{}
	}
	c.recorder.responses[name] = answer
}

// response returns the data that SetResponse has set for a command.
func (l *recorder) response(name string) (answer []byte, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	answer, ok = l.responses[name]
	return answer, ok
}

// insert records that the card is in a reader. The function onRemove is called when the card is removed.
func (l *recorder) insert(onRemove func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	ctx, cancel := context.WithCancel(context.Background())
	context.AfterFunc(ctx, onRemove)
	l.inserted, l.remove = ctx, cancel
}

// removeCard records that the card was removed from its reader.
func (l *recorder) removeCard() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.remove != nil {
		l.remove()
	}
}

// isRemoved reports whether the card was removed from its reader.
func (l *recorder) isRemoved() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.inserted != nil && l.inserted.Err() != nil
}

// recordCommand records a command, and removes the card if PullAt has named the command.
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

// waitTouch waits for a touch and reports whether the card was touched.
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
