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
// After catch is called, the first signal cancels a context, and later signals have no effect. The process then
// ends by itself. If it has sent a single-use token, it first receives and stores the response, within a time limit
// (see source.Exchanges). Catching signals costs two goroutines and a thread, so the program calls catch as late as
// possible.
type signals struct {
	cancel context.CancelCauseFunc
	once   sync.Once
	stop   func()
}

// newSignals returns a value that does not catch signals yet, and the context that a signal cancels.
func newSignals() (context.Context, *signals) {
	ctx, cancel := context.WithCancelCause(context.Background())
	return ctx, &signals{cancel: cancel, stop: func() {}}
}

// catch starts to catch the signals. If it is called again, it does nothing.
func (s *signals) catch() {
	s.once.Do(func() {
		caught, stop := signal.NotifyContext(context.Background(), terminationSignals()...)
		context.AfterFunc(caught, func() { s.cancel(context.Cause(caught)) })
		s.stop = stop
	})
}

// release stops catching signals, so that the next signal ends the process.
func (s *signals) release() {
	s.once.Do(func() {})
	s.stop()
}

// terminationSignals returns the signals that end the program. It omits signals that are ignored when the program
// starts, as with nohup. These signals stay ignored in this process, and in the command that replaces this process.
// If SIGQUIT, which Ctrl-\ sends, were not caught, a prompt would leave the terminal without echo, and Go's runtime would
// print the stacks of all goroutines.
func terminationSignals() []os.Signal {
	all := []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT}
	return slices.DeleteFunc(all, signal.Ignored)
}
