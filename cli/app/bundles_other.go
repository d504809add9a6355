//go:build !linux

package app

// caBundles returns no files, because on this system Go finds the trusted root certificates itself.
func caBundles(a *App) []string { return nil }
