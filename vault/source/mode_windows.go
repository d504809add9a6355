package source

import "io/fs"

// sharedMode reports nothing: who may read a file is not in its mode here.
func sharedMode(fs.FileMode) bool { return false }
