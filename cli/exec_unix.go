//go:build unix

package cli

const defaultShell = "/bin/sh"
