//go:build unix && !linux && !darwin

package system

import "os"

// aloneIn guesses: who leads a group was started as a job of its own, or first in a
// pipeline.
func aloneIn(group int) bool { return group == os.Getpid() }
