package prompt

import (
	"context"
	"errors"
	"html"
	"slices"
	"strings"
)

// kdialog asks the user in a KDE dialog.
var kdialog = Driver{
	Name: "kdialog",
	Works: func(env Env) error {
		_, err := dialogProgram(env, "kdialog")
		return err
	},
	Ask:      askKDialog,
	suitable: requireKDE,
}

var errNotKDE = errors.New("the desktop is not KDE")

// requireKDE returns nil if the desktop is KDE.
// https://specifications.freedesktop.org/desktop-entry-spec/latest/recognized-keys.html#key-onlyshowin
func requireKDE(env Env) error {
	if slices.Contains(strings.Split(env.variable("XDG_CURRENT_DESKTOP"), ":"), "KDE") {
		return nil
	}
	return errNotKDE
}

// kdialogNoStatus is kdialog's exit status if the user selects Cancel or No.
const kdialogNoStatus = 1

func askKDialog(ctx context.Context, env Env, r Request) (string, error) {
	path, err := dialogProgram(env, "kdialog")
	if err != nil {
		return "", err
	}
	form := "--inputbox"
	switch {
	case r.Kind == Confirm:
		form = "--yesno"
	case r.Kind.hidden():
		form = "--password"
	}
	out, err := env.Run(ctx, []string{path, "--title", title, form, kdialogText(r.message())}, noInput)
	code, exited := exitCode(err)
	switch {
	case err == nil && r.Kind == Confirm:
		return confirmAnswer(true), nil
	case err == nil:
		return dialogAnswer(out), nil
	case !exited || code != kdialogNoStatus:
		return "", err
	case r.Kind == Confirm:
		return confirmAnswer(false), nil
	}
	return "", ErrCancelled
}

// kdialogText returns s as rich text inside a <qt> tag. Without the tag, Qt would guess whether s is rich text.
// kdialogText doubles backslashes, because kdialog interprets \\ and \n.
func kdialogText(s string) string {
	s = strings.ReplaceAll(html.EscapeString(s), "\n", "<br/>")
	return "<qt>" + strings.ReplaceAll(s, `\`, `\\`) + "</qt>"
}
