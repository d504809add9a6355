//go:build !linux

package app

// caBundles leaves the roots to Go: there the system is asked, or one file is read.
func caBundles(a *App) []string { return nil }
