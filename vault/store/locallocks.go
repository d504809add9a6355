package store

import (
	"context"
	"slices"
	"sync"

	"aws-vault/vault/mutex"
)

// localLocks allows only one goroutine of this process at a time to wait for a lock file. A server may have
// thousands of goroutines that wait for the same session. Each wait for a system lock would use a thread and
// an open file.
type localLocks struct {
	mu     sync.Mutex
	byName map[string]*localLock
}

// A localLock is removed when no goroutine holds it or waits for it.
type localLock struct {
	mutex.Mutex
	users int
}

// tryLock locks the mutex of a lock file if it is free. The caller calls unlock once.
func (t *localLocks) tryLock(name string) (unlock func(), ok bool) {
	l := t.join(name)
	unlock, ok = l.TryLock()
	if !ok {
		t.leave(name, l)
		return nil, false
	}
	return t.unlockFunc(name, l, unlock), true
}

// lock waits for the mutex of a lock file until ctx ends, and then returns the cause. The caller calls unlock
// once.
func (t *localLocks) lock(ctx context.Context, name string) (unlock func(), err error) {
	l := t.join(name)
	unlock, err = l.Lock(ctx)
	if err != nil {
		t.leave(name, l)
		return nil, err
	}
	return t.unlockFunc(name, l, unlock), nil
}

func (t *localLocks) unlockFunc(name string, l *localLock, unlock func()) func() {
	return func() {
		unlock()
		t.leave(name, l)
	}
}

func (t *localLocks) join(name string) *localLock {
	t.mu.Lock()
	defer t.mu.Unlock()
	l, ok := t.byName[name]
	if !ok {
		if t.byName == nil {
			t.byName = map[string]*localLock{}
		}
		l = &localLock{Mutex: mutex.New()}
		t.byName[name] = l
	}
	l.users++
	return l
}

func (t *localLocks) leave(name string, l *localLock) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if l.users--; l.users == 0 {
		delete(t.byName, name)
	}
}

// memoryNotes holds the notes of locks for a process that has no folder for lock files.
type memoryNotes struct {
	mu     sync.Mutex
	byName map[string][]byte
}

// A memoryNote replaces the lock file with this name.
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
