package turn

import (
	"context"
	"errors"
	"sync"
	"testing"
)

func TestOneAtATime(t *testing.T) {
	turn, inside := New(), 0
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			give, err := turn.Take(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			defer give()
			if inside++; inside != 1 { // which the race detector watches, too
				t.Errorf("%d have the turn", inside)
			}
			inside--
		})
	}
	all.Wait()
}

func TestTry(t *testing.T) {
	turn := New()
	give, ok := turn.Try()
	if !ok {
		t.Fatal("a free turn is not given")
	}
	if _, ok := turn.Try(); ok {
		t.Error("a turn is given twice")
	}
	give()
	if _, ok := turn.Try(); !ok {
		t.Error("a turn that was given back is not free")
	}
}

func TestWaitEnds(t *testing.T) {
	turn, enough := New(), errors.New("enough")
	turn.Try()
	ctx, end := context.WithCancelCause(t.Context())
	end(enough)
	if _, err := turn.Take(ctx); !errors.Is(err, enough) {
		t.Errorf("%v, want %v", err, enough)
	}
}

// unasked is a context that nobody may wait for.
type unasked struct{ context.Context }

func (unasked) Done() <-chan struct{} { panic("asked for its end") }

func TestFreeTurnAsksNotForTheEnd(t *testing.T) {
	if _, err := New().Take(unasked{t.Context()}); err != nil {
		t.Error(err)
	}
}
