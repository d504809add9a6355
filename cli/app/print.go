package app

import (
	"fmt"

	"aws-vault/cli/hint"
)

// Note tells the user something that loses nothing.
func (a *App) Note(format string, args ...any) {
	fmt.Fprintf(a.Env.Stderr, "aws-vault: note: %s\n", a.Env.Shorten(fmt.Sprintf(format, args...)))
}

func (a *App) Warn(err error) {
	fmt.Fprintf(a.Env.Stderr, "aws-vault: warning: %s\n", a.Env.Shorten(err.Error()))
}

// PrintHints prints what to do about an error.
func (a *App) PrintHints(err error) {
	for _, h := range hint.For(err, a.HintFacts()) {
		fmt.Fprintf(a.Env.Stderr, "aws-vault: hint: %s\n", h)
	}
}

func (a *App) HintFacts() hint.Facts {
	return hint.Facts{Keystore: a.KeystoreName, PreviousKeystore: func() string { return PreviousKeystore(a) }}
}

// warnWithRemedy is warn for what the user should do something about.
func (a *App) warnWithRemedy(err error) {
	a.Warn(err)
	a.PrintHints(err)
}

func (a *App) Print(format string, args ...any) { fmt.Fprintf(a.Env.Stdout, format, args...) }
