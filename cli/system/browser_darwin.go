package system

// openCommand is the command that opens a page.
func openCommand(func(string) (string, error)) ([]string, error) {
	return []string{"/usr/bin/open"}, nil
}
