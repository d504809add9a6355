package source

import "io/fs"

// readableByOthers returns false, because the mode of a file on Windows does not show who can read it.
func readableByOthers(fs.FileMode) bool { return false }
