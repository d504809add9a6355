// Package mutex is a mutex that stops waiting when a context ends.
package mutex

import "context"

// A Mutex has one holder at a time. [New] creates one.
type Mutex chan struct{}

// New returns a free mutex.
func New() Mutex { return make(Mutex, 1) }

// TryLock locks the mutex if it is free, and does not wait. The caller calls unlock once.
func (m Mutex) TryLock() (unlock func(), ok bool) {
	select {
	case m <- struct{}{}:
		return m.unlock, true
	default:
		return nil, false
	}
}

// Lock waits until the mutex is free, and locks it. The caller calls unlock once.
// If ctx ends first, Lock returns its cause.
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
