package source

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// Exchanges tracks the token exchanges in progress. A refresh token can be sent only once, and only this process
// has the new token until the new token is stored. Therefore a signal does not interrupt an exchange, and the
// process waits for all running exchanges before it exits.
type Exchanges struct {
	mu      sync.Mutex
	closed  bool
	running sync.WaitGroup
}

var errEnding = errors.New("the program is ending")

func (t *Exchanges) begin() (end func(), err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return nil, errEnding
	}
	t.running.Add(1)
	return t.running.Done, nil
}

// Close prevents new exchanges and returns when all running exchanges are done. Each exchange makes at most one call
// and one write to the keystore.
func (t *Exchanges) Close() {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.running.Wait()
}

func (d *Deps) catchSignals() {
	if d.CatchSignals != nil {
		d.CatchSignals()
	}
}

// beginExchange begins the exchange of a single-use code or token. It returns a context that does not end when ctx
// ends. Only the timeout of the call limits the exchange. The caller must send the code or token immediately
// afterwards. Everything else that can fail, prompt or block must happen before beginExchange.
//
// The caller must store the response before it does anything else, even before it writes a log line: see
// [store.Exchange]. The caller then calls the function end.
func (d *Deps) beginExchange(ctx context.Context, place string) (trading context.Context, end func(), err error) {
	d.catchSignals()
	if err := context.Cause(ctx); err != nil {
		return nil, nil, err
	}
	end = func() {}
	if d.Exchanges != nil {
		if end, err = d.Exchanges.begin(); err != nil {
			return nil, nil, err
		}
	}
	if d.NotifyDelay != nil {
		done := end
		stop := context.AfterFunc(ctx, func() {
			d.NotifyDelay(fmt.Sprintf("waiting up to %s for the response of %s, so that the sign-in is not lost", d.AWS.CallTimeout(), place))
		})
		end = func() { stop(); done() }
	}
	return context.WithoutCancel(ctx), end, nil
}
