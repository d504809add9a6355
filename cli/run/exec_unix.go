//go:build unix

package run

import "os"

const defaultShell = "/bin/sh"

// commandPID returns the process ID that a command will have, or 0 if it is not known yet. The command replaces this
// process.
func commandPID() int { return os.Getpid() }
