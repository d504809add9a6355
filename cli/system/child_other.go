//go:build unix && !linux && !darwin

package system

import "os"

// onlyMember guesses whether this process is the only one in its process group: it reports whether this process
// leads the group. The guess is wrong for the first process of a pipeline.
func onlyMember(group int) bool { return group == os.Getpid() }
