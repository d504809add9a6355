package app

import "io/fs"

// Owner is known to nobody here: access control lists say who may do what.
func Owner(fs.FileInfo) int { return -1 }
