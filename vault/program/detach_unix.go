//go:build unix

package program

import (
	"os/exec"
	"syscall"
)

// detach has the program start in a session of its own.
func detach(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
}
