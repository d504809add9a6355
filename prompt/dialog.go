package prompt

import (
	"errors"
	"strings"
)

// title is the window title of all dialogs.
const title = "aws-vault"

var errNoDisplay = errors.New("neither DISPLAY nor WAYLAND_DISPLAY is set")

// dialogProgram returns the path of a program that opens dialogs. It returns an error if there is no display or
// the program is not installed.
func dialogProgram(env Env, name string) (string, error) {
	if env.variable("DISPLAY") == "" && env.variable("WAYLAND_DISPLAY") == "" {
		return "", errNoDisplay
	}
	return env.LookPath(name)
}

// dialogAnswer returns the output of a dialog program without the line end.
func dialogAnswer(out []byte) string {
	return strings.TrimSuffix(strings.TrimSuffix(string(out), "\n"), "\r")
}
