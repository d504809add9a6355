//go:build unix

package program

import (
	"os/exec"
	"syscall"
)

// detach starts the program in its own session. Cancelling kills all processes of the session's process
// group.
func detach(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
}
