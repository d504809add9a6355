package main

import (
	"context"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"
)

// signals handles the signals that end the program. Before catch is called, such a signal ends the process at once.
// After that, the first signal cancels a context, and later signals do nothing. Data that must not be lost, such
// as the response to a single-use token, is still received and stored within a time limit (see source.Exchanges).
// Then the process ends by itself. Catching signals costs two goroutines and a thread, so it starts late.
type signals struct {
	cancel context.CancelCauseFunc
	once   sync.Once
	stop   func()
}

// newSignals returns a signals that does not catch anything yet, and the context that it cancels.
func newSignals() (context.Context, *signals) {
	ctx, cancel := context.WithCancelCause(context.Background())
	return ctx, &signals{cancel: cancel, stop: func() {}}
}

// catch starts to catch the signals. Later calls do nothing.
func (s *signals) catch() {
	s.once.Do(func() {
		caught, stop := signal.NotifyContext(context.Background(), terminationSignals()...)
		context.AfterFunc(caught, func() { s.cancel(context.Cause(caught)) })
		s.stop = stop
	})
}

// release stops catching: the next signal ends the process.
func (s *signals) release() {
	s.once.Do(func() {})
	s.stop()
}

// terminationSignals returns the signals that end the program. A signal that is ignored at the start, as with nohup,
// stays ignored in this process and in the command that replaces it.
func terminationSignals() []os.Signal {
	all := []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP}
	return slices.DeleteFunc(all, signal.Ignored)
}
