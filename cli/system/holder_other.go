//go:build !linux

package system

// cardHolder returns an empty string: it is implemented on Linux only.
func cardHolder() string { return "" }
