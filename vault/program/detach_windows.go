package program

import (
	"os/exec"
	"syscall"

	"golang.org/x/sys/windows"
)

// detach has the program start with a console of its own that has no window: it takes no keys from
// the command that has ours. A program that reads that console waits in vain, until ctx ends.
func detach(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{CreationFlags: windows.CREATE_NO_WINDOW}
}
