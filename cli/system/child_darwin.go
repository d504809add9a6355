package system

import "golang.org/x/sys/unix"

// onlyMember reports whether this process is the only one in its process group.
func onlyMember(group int) bool {
	members, err := unix.SysctlKinfoProcSlice("kern.proc.pgrp", group)
	return err == nil && len(members) == 1
}
