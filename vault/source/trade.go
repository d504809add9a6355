package source

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// Trades are those under way in this process: a refresh token that was sent is spent, and what it
// is traded for exists here alone until it is stored. So no signal ends a trade, and the process
// waits for it.
type Trades struct {
	mu   sync.Mutex
	over bool
	open sync.WaitGroup
}

var errEnding = errors.New("the program is ending")

func (t *Trades) begin() (end func(), err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over {
		return nil, errEnding
	}
	t.open.Add(1)
	return t.open.Done, nil
}

// Close lets no trade begin any more, and returns once those under way are over. Each is bounded
// by the time of one call and of one write to the keystore.
func (t *Trades) Close() {
	t.mu.Lock()
	t.over = true
	t.mu.Unlock()
	t.open.Wait()
}

// traded makes a trade and stores its answer, both within act: the answer is stored before anything
// else is done with it, even logged. Everything that can fail, ask or hang comes before: see
// [store.Trade]. The end of ctx does not end act, only the time that it takes itself.
func (d *Deps) traded(ctx context.Context, place string, act func(context.Context) error) error {
	ctx.Done() // from here on a signal ends ctx, and not the process: see interruptible in main
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if d.Trades != nil {
		end, err := d.Trades.begin()
		if err != nil {
			return err
		}
		defer end()
	}
	if d.Delayed != nil {
		stop := context.AfterFunc(ctx, func() {
			d.Delayed(fmt.Sprintf("waiting up to %s for the answer of %s, so that the sign-in is not lost", d.timeout(), place))
		})
		defer stop()
	}
	return act(context.WithoutCancel(ctx))
}
