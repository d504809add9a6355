//go:build unix

package run

const defaultShell = "/bin/sh"
