//go:build unix

package main

import (
	"os"
	"syscall"
	"time"
)

// dieInterrupted ends this process with SIGINT. A shell that runs the program from a script ends the script only if the
// signal ended the program. If SIGINT is ignored, dieInterrupted returns.
func dieInterrupted() {
	if syscall.Kill(os.Getpid(), syscall.SIGINT) == nil {
		time.Sleep(time.Second) // another thread can receive the signal first
	}
}
