//go:build !linux

package cli

// caller is empty: this system is not asked for the program that started us.
func caller() string { return "" }
