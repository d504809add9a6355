package system

import (
	"os"
	"path/filepath"
)

// openCommand returns the command that opens a page in the default browser. The path of the command is absolute,
// because otherwise a file rundll32.exe in the current directory could be run.
func openCommand(func(string) (string, error)) ([]string, error) {
	return []string{filepath.Join(os.Getenv("SYSTEMROOT"), "System32", "rundll32.exe"), "url.dll,FileProtocolHandler"}, nil
}
