package store

import (
	"context"
	"slices"
	"sync"

	"aws-vault/vault/mutex"
)

// local lets one goroutine of this process at a time stand at a lock file. A server may
// have thousands that want one session, and each that waits for the system's lock costs
// a thread and an open file.
type localLocks struct {
	mu     sync.Mutex
	byName map[string]*localLock
}

// A localLock is forgotten when nobody has it or waits for it.
type localLock struct {
	mutex.Mutex
	users int
}

// tryAcquire takes the turn at a lock file if it is free. It is given back by calling give, once.
func (t *localLocks) tryLock(path string) (give func(), ok bool) {
	at := t.join(path)
	give, ok = at.TryLock()
	if !ok {
		t.leave(path, at)
		return nil, false
	}
	return t.unlockFunc(path, at, give), true
}

// acquire is try that waits, until ctx ends. It returns the cause of that end.
func (t *localLocks) lock(ctx context.Context, path string) (give func(), err error) {
	at := t.join(path)
	give, err = at.Lock(ctx)
	if err != nil {
		t.leave(path, at)
		return nil, err
	}
	return t.unlockFunc(path, at, give), nil
}

func (t *localLocks) unlockFunc(path string, at *localLock, give func()) func() {
	return func() {
		give()
		t.leave(path, at)
	}
}

func (t *localLocks) join(path string) *localLock {
	t.mu.Lock()
	defer t.mu.Unlock()
	at, ok := t.byName[path]
	if !ok {
		if t.byName == nil {
			t.byName = map[string]*localLock{}
		}
		at = &localLock{Mutex: mutex.New()}
		t.byName[path] = at
	}
	at.users++
	return at
}

func (t *localLocks) leave(path string, at *localLock) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if at.users--; at.users == 0 {
		delete(t.byName, path)
	}
}

// memoryNotes are what the holders of locks wrote, for the goroutines of a process that has no folder for
// lock files.
type memoryNotes struct {
	mu     sync.Mutex
	byName map[string][]byte
}

// A memoryNote stands in for the lock file of that name.
type memoryNote struct {
	notes *memoryNotes
	name  string
}

func (n *memoryNotes) note(name string) memoryNote { return memoryNote{n, name} }

func (n memoryNote) ReadNote() ([]byte, error) {
	n.notes.mu.Lock()
	defer n.notes.mu.Unlock()
	return n.notes.byName[n.name], nil
}

func (n memoryNote) WriteNote(note []byte) error {
	n.notes.mu.Lock()
	defer n.notes.mu.Unlock()
	if n.notes.byName == nil {
		n.notes.byName = map[string][]byte{}
	}
	n.notes.byName[n.name] = slices.Clone(note)
	return nil
}

func (n memoryNote) Close() error { return nil }
