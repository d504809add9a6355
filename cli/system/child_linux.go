package system

import (
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// KillWithParent makes the kernel kill the child process when this process ends for any reason.
func KillWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = unix.SIGKILL }

// onlyMember reports whether this process is the only one in its process group.
func onlyMember(group int) bool {
	proc, err := os.Open("/proc")
	if err != nil {
		return false
	}
	defer proc.Close()
	names, err := proc.Readdirnames(-1)
	if err != nil {
		return false
	}
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil || pid == os.Getpid() {
			continue
		}
		if g, err := unix.Getpgid(pid); err == nil && g == group {
			return false
		}
	}
	return true
}
