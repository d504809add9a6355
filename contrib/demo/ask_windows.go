package main

import "os/exec"

// hello and environment are commands that the demo runs with credentials.
var (
	hello       = []string{"cmd", "/c", "echo I am %AWS_VAULT%"}
	environment = []string{"cmd", "/c", "set AWS_"}
)

// runAndAnswer passes the code in a flag instead of typing it, because Windows has no pseudo terminal.
func runAndAnswer(command func([]string) *exec.Cmd, args []string, code func() string) ([]byte, error) {
	text, err := command(append([]string{args[0], "--mfa-token=" + code()}, args[1:]...)).CombinedOutput()
	return plain(text), err
}
