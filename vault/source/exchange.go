package source

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// Exchanges are those under way in this process: a refresh token that was sent is spent, and what it
// is traded for exists here alone until it is stored. So no signal ends a trade, and the process
// waits for it.
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

// Close lets no trade begin any more, and returns once those under way are over. Each is bounded
// by the time of one call and of one write to the keystore.
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

// beginExchange is called right before a single-use code or token is sent, and end once its answer is stored, which is
// the first thing that is done with it, before even a log: see [store.Exchange]. Everything that can fail, ask or hang
// comes before. The context that it returns does not end with ctx, only after the time that a call takes itself.
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
		over := end
		stop := context.AfterFunc(ctx, func() {
			d.NotifyDelay(fmt.Sprintf("waiting up to %s for the answer of %s, so that the sign-in is not lost", d.AWS.CallTimeout(), place))
		})
		end = func() { stop(); over() }
	}
	return context.WithoutCancel(ctx), end, nil
}
