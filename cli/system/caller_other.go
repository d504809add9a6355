//go:build !linux

package system

// caller returns an empty string: it is implemented on Linux only.
func caller() string { return "" }
