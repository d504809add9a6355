package audit

import "os"

// openFile opens a file for reading and writing, and creates it if it is missing. Windows cannot shorten a file
// that was opened for appending only.
func openFile(path string) (*os.File, error) { return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) }
