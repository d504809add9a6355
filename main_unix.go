//go:build unix

package main

import (
	"os"
	"syscall"
	"time"
)

// dieInterrupted ends us by the signal itself: a shell that runs us from a script ends the
// script only if it sees that. Should the signal be ignored, we return.
func dieInterrupted() {
	if syscall.Kill(os.Getpid(), syscall.SIGINT) == nil {
		time.Sleep(time.Second) // it may reach another thread first
	}
}
