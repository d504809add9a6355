package prompt

import (
	"context"
	"strings"
)

// zenity asks the user in a GTK dialog.
var zenity = Driver{
	Name: "zenity",
	Works: func(env Env) error {
		_, err := dialogProgram(env, "zenity")
		return err
	},
	Ask: askZenity,
}

// zenityNoStatus is zenity's exit status if the user selects Cancel or No or presses Escape. The exit status is
// the same if GTK cannot open the display, but zenity then writes a message to standard error.
const zenityNoStatus = 1

func askZenity(ctx context.Context, env Env, r Request) (string, error) {
	path, err := dialogProgram(env, "zenity")
	if err != nil {
		return "", err
	}
	out, err := env.Run(ctx, append([]string{path}, zenityArguments(r)...), noInput)
	code, exited := exitCode(err)
	switch {
	case err == nil && r.Kind == Confirm:
		return confirmAnswer(true), nil
	case err == nil:
		return dialogAnswer(out), nil
	case !exited || code != zenityNoStatus || strings.Contains(strings.ToLower(err.Error()), "open display"):
		return "", err
	case r.Kind == Confirm:
		return confirmAnswer(false), nil
	}
	return "", ErrCancelled
}

func zenityArguments(r Request) []string {
	if r.Kind == Confirm {
		return []string{"--question", "--no-markup", "--default-cancel", "--title=" + title, "--text=" + r.message()}
	}
	args := []string{"--entry", "--title=" + title, "--text=" + zenityLabel(r.message())}
	if r.Kind.hidden() {
		args = append(args, "--hide-text")
	}
	return args
}

// zenityLabel escapes text for the label of an entry field. zenity interprets backslash escapes, and GTK uses an
// underscore to mark a keyboard shortcut.
func zenityLabel(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, `\`, `\\`), "_", "__")
}
