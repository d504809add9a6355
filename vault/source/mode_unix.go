//go:build unix

package source

import "io/fs"

// readableByOthers reports whether a file may be read by others than its owner.
func readableByOthers(m fs.FileMode) bool { return m.Perm()&0o077 != 0 }
