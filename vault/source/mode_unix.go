//go:build unix

package source

import "io/fs"

// readableByOthers reports whether the mode of a file gives any permission to users other than the owner.
func readableByOthers(m fs.FileMode) bool { return m.Perm()&0o077 != 0 }
