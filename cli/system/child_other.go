//go:build unix && !linux && !darwin

package system

import "os"

// onlyMember reports whether this process leads its process group. This is a guess whether it is the only process in
// the group. The guess is wrong for the first process of a pipeline.
func onlyMember(group int) bool { return group == os.Getpid() }
