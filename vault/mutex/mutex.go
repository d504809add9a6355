// Package mutex is a mutex that stops waiting when a context ends.
package mutex

import "context"

// A Mutex has at most one holder at a time. [New] creates a Mutex.
type Mutex chan struct{}

// New returns a mutex that is not locked.
func New() Mutex { return make(Mutex, 1) }

// TryLock locks the mutex if the mutex is free. It does not wait. If ok is true, the caller must call unlock once.
func (m Mutex) TryLock() (unlock func(), ok bool) {
	select {
	case m <- struct{}{}:
		return m.unlock, true
	default:
		return nil, false
	}
}

// Lock waits until the mutex is free, and locks it. The caller must then call unlock once. If ctx ends before the
// mutex is free, Lock returns the cause of ctx and does not lock the mutex.
func (m Mutex) Lock(ctx context.Context) (unlock func(), err error) {
	if unlock, ok := m.TryLock(); ok {
		return unlock, nil
	}
	select {
	case m <- struct{}{}:
		return m.unlock, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (m Mutex) unlock() { <-m }
