package main

import (
	"context"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"
)

// signals are those that are to end us. Until they are caught, one ends the process as it does any other.
// From then on the first ends a context, and those that follow do nothing: whatever must not be lost, such
// as the answer to a single-use token, is awaited and stored in bounded time (see source.Exchanges); then the
// process ends by itself. To catch them takes two goroutines and a thread.
type signals struct {
	end  context.CancelCauseFunc
	once sync.Once
	stop func()
}

// newSignals returns signals that are not caught yet, and the context that they end.
func newSignals() (context.Context, *signals) {
	ctx, end := context.WithCancelCause(context.Background())
	return ctx, &signals{end: end, stop: func() {}}
}

// catch catches the signals from now on.
func (s *signals) catch() {
	s.once.Do(func() {
		caught, stop := signal.NotifyContext(context.Background(), ending()...)
		context.AfterFunc(caught, func() { s.end(context.Cause(caught)) })
		s.stop = stop
	})
}

// release gives the signals back: the next one ends the process.
func (s *signals) release() {
	s.once.Do(func() {})
	s.stop()
}

// ending are the signals that end us. One that we were told to ignore, as nohup does, is
// left so, for us and for the command that we become.
func ending() []os.Signal {
	all := []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP}
	return slices.DeleteFunc(all, signal.Ignored)
}
