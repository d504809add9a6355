//go:build !linux

package cli

// bundles leaves the roots to Go: there the system is asked, or one file is read.
func (a *app) bundles() []string { return nil }
