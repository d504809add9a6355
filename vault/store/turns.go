package store

import (
	"context"
	"slices"
	"sync"

	"aws-vault/vault/turn"
)

// turns lets one goroutine of this process at a time stand at a lock file. A server may
// have thousands that want one session, and each that waits for the system's lock costs
// a thread and an open file.
type turns struct {
	mu sync.Mutex
	of map[string]*sharedTurn
}

// A sharedTurn is forgotten when nobody has it or waits for it.
type sharedTurn struct {
	turn.Turn
	users int
}

// try takes the turn at a lock file if it is free. It is given back by calling give, once.
func (t *turns) try(path string) (give func(), ok bool) {
	at := t.join(path)
	give, ok = at.Try()
	if !ok {
		t.leave(path, at)
		return nil, false
	}
	return t.giving(path, at, give), true
}

// take is try that waits, until ctx ends. It returns the cause of that end.
func (t *turns) take(ctx context.Context, path string) (give func(), err error) {
	at := t.join(path)
	give, err = at.Take(ctx)
	if err != nil {
		t.leave(path, at)
		return nil, err
	}
	return t.giving(path, at, give), nil
}

func (t *turns) giving(path string, at *sharedTurn, give func()) func() {
	return func() {
		give()
		t.leave(path, at)
	}
}

func (t *turns) join(path string) *sharedTurn {
	t.mu.Lock()
	defer t.mu.Unlock()
	at, ok := t.of[path]
	if !ok {
		if t.of == nil {
			t.of = map[string]*sharedTurn{}
		}
		at = &sharedTurn{Turn: turn.New()}
		t.of[path] = at
	}
	at.users++
	return at
}

func (t *turns) leave(path string, at *sharedTurn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if at.users--; at.users == 0 {
		delete(t.of, path)
	}
}

// notes are what the holders of locks wrote, for the goroutines of a process that has no folder for
// lock files.
type notes struct {
	mu sync.Mutex
	of map[string][]byte
}

// A noteOf stands in for the lock file of that name.
type noteOf struct {
	in   *notes
	name string
}

func (n *notes) at(name string) noteOf { return noteOf{n, name} }

func (n noteOf) ReadNote() ([]byte, error) {
	n.in.mu.Lock()
	defer n.in.mu.Unlock()
	return n.in.of[n.name], nil
}

func (n noteOf) WriteNote(note []byte) error {
	n.in.mu.Lock()
	defer n.in.mu.Unlock()
	if n.in.of == nil {
		n.in.of = map[string][]byte{}
	}
	n.in.of[n.name] = slices.Clone(note)
	return nil
}

func (n noteOf) Close() error { return nil }
