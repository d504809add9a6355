package program

import (
	"os/exec"
	"syscall"

	"golang.org/x/sys/windows"
)

// detach starts the program with its own invisible console, so that it does not read keys that are meant for
// a command in our console. A program that reads from the invisible console waits until ctx ends.
func detach(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{CreationFlags: windows.CREATE_NO_WINDOW}
}
