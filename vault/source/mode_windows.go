package source

import "io/fs"

// readableByOthers reports nothing: who may read a file is not in its mode here.
func readableByOthers(fs.FileMode) bool { return false }
