package main

import (
	"context"
	"os"
	"os/signal"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
)

// An interruptible ends with the first signal that is to end us. It listens from the first
// time on that somebody asks for its end, which is who waits, or who must not be ended
// halfway; until then a signal ends the process as it does any other. To listen takes two
// goroutines and a thread, a tenth of the time of a command that finds its credentials kept.
//
// The signals that follow the first do nothing. Whatever must not be lost, such as the answer to a
// single-use token, is awaited and stored in bounded time (see source.Trades); then the process
// ends by itself.
type interruptible struct {
	context.Context // that has no end
	listen          sync.Once
	listening       atomic.Pointer[listener]
}

type listener struct {
	context.Context
	stop context.CancelFunc
}

func newInterruptible() *interruptible { return &interruptible{Context: context.Background()} }

func (c *interruptible) Done() <-chan struct{} {
	c.listen.Do(func() {
		ctx, stop := signal.NotifyContext(c.Context, ending()...)
		c.listening.Store(&listener{ctx, stop})
	})
	return c.listening.Load().Done()
}

func (c *interruptible) Err() error { return c.now().Err() }

func (c *interruptible) Value(key any) any { return c.now().Value(key) }

func (c *interruptible) now() context.Context {
	if l := c.listening.Load(); l != nil {
		return l
	}
	return c.Context
}

// stop gives the signals back: the next one ends the process.
func (c *interruptible) stop() {
	if l := c.listening.Load(); l != nil {
		l.stop()
	}
}

// ending are the signals that end us. One that we were told to ignore, as nohup does, is
// left so, for us and for the command that we become.
func ending() []os.Signal {
	all := []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP}
	return slices.DeleteFunc(all, signal.Ignored)
}
