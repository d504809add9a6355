// Package turn is a mutex that stops waiting when a context ends.
package turn

import "context"

// A Turn is taken by one at a time. It is made with [New].
type Turn chan struct{}

// New returns a turn that is free.
func New() Turn { return make(Turn, 1) }

// Try takes the turn if it is free. It is given back by calling give, once.
func (t Turn) Try() (give func(), ok bool) {
	select {
	case t <- struct{}{}:
		return t.give, true
	default:
		return nil, false
	}
}

// Take waits until the turn is free and takes it, or returns the cause of the context's end.
func (t Turn) Take(ctx context.Context) (give func(), err error) {
	if give, ok := t.Try(); ok {
		return give, nil
	}
	select {
	case t <- struct{}{}:
		return t.give, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (t Turn) give() { <-t }
