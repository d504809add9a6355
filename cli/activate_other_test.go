//go:build !linux

package cli_test

// activate is for Linux.
func activate([]string) {}
