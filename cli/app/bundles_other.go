//go:build !linux

package app

// bundles leaves the roots to Go: there the system is asked, or one file is read.
func bundles(a *App) []string { return nil }
