//go:build !linux

package system

// caller returns an empty string, because only Linux is supported.
func caller() string { return "" }
