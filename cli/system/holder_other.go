//go:build !linux

package system

// cardHolder returns an empty string, because only Linux is supported.
func cardHolder() string { return "" }
