package prompt

import (
	"errors"
	"strings"
)

// title heads every dialog.
const title = "aws-vault"

var errNoDisplay = errors.New("neither DISPLAY nor WAYLAND_DISPLAY is set")

// dialogProgram returns the path of a program that opens windows, or why it cannot.
func dialogProgram(env Env, name string) (string, error) {
	if env.variable("DISPLAY") == "" && env.variable("WAYLAND_DISPLAY") == "" {
		return "", errNoDisplay
	}
	return env.LookPath(name)
}

// dialogAnswer returns what a dialog printed, without the line end it added.
func dialogAnswer(out []byte) string {
	return strings.TrimSuffix(strings.TrimSuffix(string(out), "\n"), "\r")
}
