//go:build unix

package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// TestSignalCaught checks that a caught signal cancels the context, and all contexts that are derived from it.
func TestSignalCaught(t *testing.T) {
	ctx, signals := newSignals()
	if ctx.Err() != nil || context.Cause(ctx) != nil {
		t.Fatalf("the context is canceled before any signal: %v", ctx.Err())
	}
	part, end := context.WithCancel(ctx)
	defer end()
	signals.catch()
	signals.catch()
	defer signals.release()
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-ctx.Done()
	<-part.Done()
	if !errors.Is(ctx.Err(), context.Canceled) || context.Cause(ctx) == nil {
		t.Errorf("the context has error %v and cause %v, want %v and a cause", ctx.Err(), context.Cause(ctx), context.Canceled)
	}
	if context.Cause(part) != context.Cause(ctx) {
		t.Errorf("the cause of the derived context is %v, and of its parent %v", context.Cause(part), context.Cause(ctx))
	}
}

// TestSignalNotCaught checks that a signal ends the process if catch was not called. The test runs itself in a new
// process.
func TestSignalNotCaught(t *testing.T) {
	const again = "TEST_SIGNAL_NOT_CAUGHT"
	if os.Getenv(again) != "" {
		ctx, _ := newSignals()
		_, end := context.WithCancel(ctx)
		defer end()
		syscall.Kill(os.Getpid(), syscall.SIGTERM)
		time.Sleep(10 * time.Second) // wait, because another thread can receive the signal
		os.Exit(0)
	}
	c := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	c.Env = append(os.Environ(), again+"=1")
	var ended *exec.ExitError
	if err := c.Run(); !errors.As(err, &ended) {
		t.Fatal(err)
	}
	if status := ended.Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != syscall.SIGTERM {
		t.Errorf("the process ended with %v, want the signal", ended)
	}
}
