package store

import (
	"context"
	"slices"
	"sync"

	"aws-vault/vault/mutex"
)

// localLocks ensures that at most one goroutine of this process waits for each lock file. A server may have
// thousands of goroutines that wait for the same session, and each wait for a lock of the operating system uses
// a thread and an open file.
type localLocks struct {
	mu     sync.Mutex
	byName map[string]*localLock
}

// A localLock is the mutex for one lock file. It is removed when no goroutine holds it or waits for it.
type localLock struct {
	mutex.Mutex
	users int
}

// tryLock locks the mutex of the lock file called name, if the mutex is free. The caller must call unlock once.
func (t *localLocks) tryLock(name string) (unlock func(), ok bool) {
	l := t.join(name)
	unlock, ok = l.TryLock()
	if !ok {
		t.leave(name, l)
		return nil, false
	}
	return t.unlockFunc(name, l, unlock), true
}

// lock waits for the mutex of the lock file called name, and locks it. The caller must call unlock once. If ctx
// ends first, lock returns the cause of ctx.
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

// memoryNotes holds the notes of all locks in memory, for a process that has no folder for lock files.
type memoryNotes struct {
	mu     sync.Mutex
	byName map[string][]byte
}

// A memoryNote is used instead of the lock file called name.
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
