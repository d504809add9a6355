//go:build !linux

package cli_test

// activate does nothing: only Linux has socket activation.
func activate([]string) {}
