package mutex

import (
	"context"
	"errors"
	"sync"
	"testing"
)

func TestOneAtATime(t *testing.T) {
	mu, inside := New(), 0
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			unlock, err := mu.Lock(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			defer unlock()
			if inside++; inside != 1 { // if mu is broken, the race detector reports this line
				t.Errorf("%d goroutines hold the mutex, want 1", inside)
			}
			inside--
		})
	}
	all.Wait()
}

func TestTryLock(t *testing.T) {
	mu := New()
	unlock, ok := mu.TryLock()
	if !ok {
		t.Fatal("TryLock of a free mutex failed")
	}
	if _, ok := mu.TryLock(); ok {
		t.Error("TryLock of a locked mutex succeeded")
	}
	unlock()
	if _, ok := mu.TryLock(); !ok {
		t.Error("TryLock after unlock failed")
	}
}

func TestLockEndsWithContext(t *testing.T) {
	mu, cause := New(), errors.New("cancelled by the test")
	mu.TryLock()
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	if _, err := mu.Lock(ctx); !errors.Is(err, cause) {
		t.Errorf("Lock returned %v, want %v", err, cause)
	}
}

// noDone is a context whose method Done must not be called.
type noDone struct{ context.Context }

func (noDone) Done() <-chan struct{} { panic("Done was called") }

func TestLockFreeIgnoresContext(t *testing.T) {
	if _, err := New().Lock(noDone{t.Context()}); err != nil {
		t.Error(err)
	}
}
