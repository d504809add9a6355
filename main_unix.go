//go:build unix

package main

import (
	"os"
	"syscall"
	"time"
)

// dieInterrupted ends this process with SIGINT. A shell script that runs this program ends on Ctrl-C only if SIGINT has
// ended this program. If SIGINT is ignored, dieInterrupted returns.
func dieInterrupted() {
	if syscall.Kill(os.Getpid(), syscall.SIGINT) == nil {
		time.Sleep(time.Second) // wait, because another thread can receive the signal
	}
}
