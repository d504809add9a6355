package store

import (
	"context"
	"sync"
)

// turns lets one goroutine of this process at a time stand at a lock file. A server may
// have thousands that want one session, and each that waits for the system's lock costs
// a thread and an open file.
type turns struct {
	mu sync.Mutex
	of map[string]chan struct{}
}

func (t *turns) at(path string) chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	turn, ok := t.of[path]
	if !ok {
		if t.of == nil {
			t.of = map[string]chan struct{}{}
		}
		turn = make(chan struct{}, 1)
		t.of[path] = turn
	}
	return turn
}

// try takes the turn at path if it is free. The turn is given back by calling what it returns.
func (t *turns) try(path string) (func(), bool) {
	turn := t.at(path)
	select {
	case turn <- struct{}{}:
		return func() { <-turn }, true
	default:
		return nil, false
	}
}

// wait takes the turn at path once it is free, or returns the cause of the context's end.
func (t *turns) wait(ctx context.Context, path string) (func(), error) {
	turn := t.at(path)
	select {
	case turn <- struct{}{}:
		return func() { <-turn }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}
