package cli

import "io/fs"

// owner is known to nobody here: access control lists say who may do what.
func owner(fs.FileInfo) int { return -1 }
