package system

import (
	"os"
	"path/filepath"
)

// openCommand is the command that opens a page. It is given whole, so that no rundll32 of the
// current folder is run.
func openCommand(func(string) (string, error)) ([]string, error) {
	return []string{filepath.Join(os.Getenv("SYSTEMROOT"), "System32", "rundll32.exe"), "url.dll,FileProtocolHandler"}, nil
}
