package main

import "golang.org/x/sys/unix"

// hideMemory keeps this process out of core files and from other processes of its user.
// It does not reach the command that it becomes.
func hideMemory() {
	unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) // where it is refused, we go on as before
}
