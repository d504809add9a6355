package main

import "os/exec"

// hello and environment are commands to run with credentials.
var (
	hello       = []string{"cmd", "/c", "echo I am %AWS_VAULT%"}
	environment = []string{"cmd", "/c", "set AWS_"}
)

// answered runs a command with the code as a flag, as there is no pseudo terminal here.
func answered(command func([]string) *exec.Cmd, args []string, code func() string) ([]byte, error) {
	text, err := command(append([]string{args[0], "--mfa-token=" + code()}, args[1:]...)).CombinedOutput()
	return plain(text), err
}
