package system

import "golang.org/x/sys/unix"

// onlyMember reports whether this is the only process of its group.
func onlyMember(group int) bool {
	members, err := unix.SysctlKinfoProcSlice("kern.proc.pgrp", group)
	return err == nil && len(members) == 1
}
