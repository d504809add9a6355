package system

// openCommand returns the command that opens a page in the default browser.
func openCommand(func(string) (string, error)) ([]string, error) {
	return []string{"/usr/bin/open"}, nil
}
