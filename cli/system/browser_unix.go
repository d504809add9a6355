//go:build unix && !darwin

package system

import "errors"

// openCommand returns the command that opens a page in the default browser. Under WSL, this is a browser of Windows.
func openCommand(look func(string) (string, error)) ([]string, error) {
	for _, program := range []string{"xdg-open", "wslview", "x-www-browser"} {
		if path, err := look(program); err == nil {
			return []string{path}, nil
		}
	}
	return nil, errors.New("no program found to open a browser, expected xdg-open, wslview or x-www-browser")
}
