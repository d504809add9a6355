//go:build unix

package source

import "io/fs"

// sharedMode reports whether a file may be read by others than its owner.
func sharedMode(m fs.FileMode) bool { return m.Perm()&0o077 != 0 }
