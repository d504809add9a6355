package store

import (
	"sync"

	"aws-vault/vault/turn"
)

// turns lets one goroutine of this process at a time stand at a lock file. A server may
// have thousands that want one session, and each that waits for the system's lock costs
// a thread and an open file.
type turns struct {
	mu sync.Mutex
	of map[string]turn.Turn
}

func (t *turns) at(path string) turn.Turn {
	t.mu.Lock()
	defer t.mu.Unlock()
	at, ok := t.of[path]
	if !ok {
		if t.of == nil {
			t.of = map[string]turn.Turn{}
		}
		at = turn.New()
		t.of[path] = at
	}
	return at
}
