//go:build !linux

package cli_test

// activate does nothing, because only Linux has socket activation.
func activate([]string) {}
