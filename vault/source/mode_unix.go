//go:build unix

package source

import "io/fs"

// readableByOthers reports whether users other than the owner can read a file.
func readableByOthers(m fs.FileMode) bool { return m.Perm()&0o077 != 0 }
