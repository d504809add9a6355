package prompt

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// osascript asks the user in a macOS dialog. The program osascript reads its script from standard input.
var osascript = Driver{
	Name:  "osascript",
	Works: osascriptWorks,
	Ask:   askOSAScript,
}

// osascriptWorks asks launchd whether this process is in a graphical session. In an SSH session, the program
// osascript exists but cannot open a dialog.
func osascriptWorks(env Env) error {
	if _, err := env.LookPath("osascript"); err != nil {
		return err
	}
	launchctl, err := env.LookPath("launchctl")
	if err != nil {
		return err
	}
	out, err := env.probe([]string{launchctl, "managername"}, noInput)
	if err != nil {
		return err
	}
	if kind := strings.TrimSpace(string(out)); kind != "Aqua" {
		return fmt.Errorf("the macOS session is %q, expected a graphical session (Aqua)", sanitize(kind))
	}
	return nil
}

var errNoDialogAnswer = errors.New("the dialog ended without an answer")

// The script's output starts with one of these words. AppleScript reports a cancelled dialog as an error with a
// translated text, so the script prints a fixed word instead.
const (
	osascriptAnswered  = "answer:"
	osascriptCancelled = "cancelled"
)

func askOSAScript(ctx context.Context, env Env, r Request) (string, error) {
	path, err := env.LookPath("osascript")
	if err != nil {
		return "", err
	}
	out, err := env.Run(ctx, []string{path, "-"}, []byte(osascriptText(r)))
	if err != nil {
		return "", err
	}
	output := dialogAnswer(out)
	answer, answered := strings.CutPrefix(output, osascriptAnswered)
	switch {
	case answered && r.Kind == Confirm:
		return confirmAnswer(true), nil
	case answered:
		return answer, nil
	case output == osascriptCancelled && r.Kind == Confirm:
		return confirmAnswer(false), nil
	case output == osascriptCancelled:
		return "", ErrCancelled
	}
	return "", errNoDialogAnswer
}

// osascriptText returns the script that asks the question r. In AppleScript, the error number -128 means that the
// user cancelled.
// https://developer.apple.com/library/archive/documentation/AppleScript/Conceptual/AppleScriptLangGuide/reference/ASLR_cmds.html
func osascriptText(r Request) string {
	dialog := "display dialog " + appleString(r.message()) + " with title " + appleString(title)
	result := `""`
	if r.Kind == Confirm {
		dialog += ` buttons {"No", "Yes"} default button "No" cancel button "No"`
	} else {
		dialog += ` default answer "" buttons {"Cancel", "OK"} default button "OK" cancel button "Cancel"`
		result = "text returned of reply"
	}
	if r.Kind.hidden() {
		dialog += " with hidden answer"
	}
	return strings.Join([]string{
		"try",
		"\ttell current application to activate",
		"end try",
		"try",
		"\tset reply to " + dialog,
		"\treturn " + appleString(osascriptAnswered) + " & " + result,
		"on error number -128",
		"\treturn " + appleString(osascriptCancelled),
		"end try",
		"",
	}, "\n")
}

// appleString returns s as an AppleScript string literal.
func appleString(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}
