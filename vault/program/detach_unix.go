//go:build unix

package program

import (
	"os/exec"
	"syscall"
)

// detach starts the program in its own session. When the context is cancelled, all processes of the session's
// process group are killed.
func detach(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
}
