package main

import (
	"testing"

	"golang.org/x/sys/unix"
)

// TestHideMemory checks that the kernel writes no core file of this process, and that other processes cannot read its
// memory.
func TestHideMemory(t *testing.T) {
	hideMemory()
	dumpable, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	if err != nil || dumpable != 0 {
		t.Errorf("dumpable is %d, %v, want 0", dumpable, err)
	}
}
