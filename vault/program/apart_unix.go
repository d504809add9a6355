//go:build unix

package program

import (
	"os/exec"
	"syscall"
)

// apart has the program start in a session of its own.
func apart(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
}
