package program

import (
	"os/exec"
	"syscall"

	"golang.org/x/sys/windows"
)

// detach gives the program an invisible console of its own. Otherwise the program could read keys that the user types
// for a command in our console. A program that reads from its invisible console waits until ctx ends.
func detach(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{CreationFlags: windows.CREATE_NO_WINDOW}
}
