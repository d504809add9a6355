package app

import (
	"fmt"

	"aws-vault/cli/hint"
	"aws-vault/vault/printable"
)

// Note prints a note to stderr: information that requires no action.
func (a *App) Note(format string, args ...any) {
	fmt.Fprintf(a.Env.Stderr, "aws-vault: note: %s\n", printable.Line(a.Env.Shorten(fmt.Sprintf(format, args...))))
}

// Warn prints err as a warning to stderr. The command continues.
func (a *App) Warn(err error) {
	fmt.Fprintf(a.Env.Stderr, "aws-vault: warning: %s\n", printable.Line(a.Env.Shorten(err.Error())))
}

// PrintHints prints the hints for an error to stderr.
func (a *App) PrintHints(err error) {
	for _, h := range hint.For(err, a.HintFacts()) {
		fmt.Fprintf(a.Env.Stderr, "aws-vault: hint: %s\n", printable.Line(h))
	}
}

// HintFacts returns the facts that hints need in addition to the error.
func (a *App) HintFacts() hint.Facts {
	return hint.Facts{Keystore: a.KeystoreName, PreviousKeystore: func() string { return PreviousKeystore(a) }}
}

// warnWithRemedy prints err as a warning, followed by its hints.
func (a *App) warnWithRemedy(err error) {
	a.Warn(err)
	a.PrintHints(err)
}

// Print formats a text as fmt.Printf does, and writes the text to stdout.
func (a *App) Print(format string, args ...any) { fmt.Fprintf(a.Env.Stdout, format, args...) }
