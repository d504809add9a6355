//go:build unix && !darwin

package system

import "errors"

// openCommand is the command that opens a page: the desktop's, or that of Windows around us.
func openCommand(look func(string) (string, error)) ([]string, error) {
	for _, program := range []string{"xdg-open", "wslview", "x-www-browser"} {
		if path, err := look(program); err == nil {
			return []string{path}, nil
		}
	}
	return nil, errors.New("neither xdg-open nor wslview nor x-www-browser is there")
}
