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

// A signal that is caught ends the context, and whatever was made from it.
func TestSignalCaught(t *testing.T) {
	ctx, signals := newSignals()
	if ctx.Err() != nil || context.Cause(ctx) != nil {
		t.Fatalf("it has ended before it began: %v", ctx.Err())
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
		t.Errorf("ended with %v because of %v, want %v and a cause", ctx.Err(), context.Cause(ctx), context.Canceled)
	}
	if context.Cause(part) != context.Cause(ctx) {
		t.Errorf("a part ends because of %v, the whole because of %v", context.Cause(part), context.Cause(ctx))
	}
}

// Until signals are caught, one ends the process itself. The process is this test again.
func TestSignalNotCaught(t *testing.T) {
	const again = "TEST_SIGNAL_NOT_CAUGHT"
	if os.Getenv(again) != "" {
		ctx, _ := newSignals()
		_, end := context.WithCancel(ctx)
		defer end()
		syscall.Kill(os.Getpid(), syscall.SIGTERM)
		time.Sleep(10 * time.Second) // it may reach another thread first
		os.Exit(0)
	}
	c := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	c.Env = append(os.Environ(), again+"=1")
	var ended *exec.ExitError
	if err := c.Run(); !errors.As(err, &ended) {
		t.Fatal(err)
	}
	if status := ended.Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != syscall.SIGTERM {
		t.Errorf("ended with %v, want the signal", ended)
	}
}
