//go:build unix

package program

import (
	"os/exec"
	"syscall"
)

// detach makes the program start in a new session. When the context ends, all processes in the program's process
// group are killed.
func detach(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
}
