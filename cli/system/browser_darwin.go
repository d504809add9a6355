package system

// opener is the command that opens a page.
func opener(func(string) (string, error)) ([]string, error) { return []string{"/usr/bin/open"}, nil }
