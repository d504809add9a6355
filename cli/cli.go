// Package cli parses the command line, runs one command and prints its error.
package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"aws-vault/cli/app"
	"aws-vault/cli/run"
	"aws-vault/prompt"
	"aws-vault/vault/printable"
	"aws-vault/vault/store"
)

// Main runs one command line and returns its exit status. The parameter args does not contain the program's name.
func Main(ctx context.Context, args []string, env app.Env) int {
	a := app.New(env)
	k := describe(a, commands...)
	if status, asked := completion(a, k.Application, args); asked {
		return status
	}
	line, err := k.parse(args)
	var done handled
	switch {
	case errors.As(err, &done):
		return int(done)
	case err != nil:
		fmt.Fprintf(a.Env.Stderr, "aws-vault: error: %s\naws-vault: hint: see aws-vault --help\n", printable.Line(err.Error()))
		return app.StatusUsage
	}
	if a.Debug {
		a.Log = slog.New(slog.NewTextHandler(a.Env.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	if err := a.Globals.Check(); err != nil && line.name != "doctor" { // doctor reports the error as a finding
		return report(a, line.name, err)
	}
	if err := agentRefusal(a, k, line); err != nil {
		return report(a, line.name, err)
	}
	if err := checkState(a, line.name); err != nil {
		return report(a, line.name, err)
	}
	if line.name != "exec" && line.name != "export" { // exec and export catch signals only when they start to wait
		a.Env.CatchSignals()
	}
	err = line.verb.Run(ctx)
	a.Trades.Close()
	return report(a, line.name, err)
}

// report prints the error and its hints, and returns the exit status.
func report(a *app.App, command string, err error) int {
	var status app.StatusError
	var usage *app.UsageError
	switch {
	case err == nil:
		return app.StatusOK
	case errors.As(err, &status):
		return int(status)
	}
	fmt.Fprintf(a.Env.Stderr, "aws-vault: error: %s: %s\n", command, printable.Line(a.Env.Shorten(err.Error())))
	a.PrintHints(err)
	var driver *prompt.UnknownDriverError
	var notRunnable *run.CommandError
	var elsewhere *store.LockOwnerError
	switch {
	case errors.As(err, &usage), errors.As(err, &driver):
		return app.StatusUsage
	case errors.As(err, &notRunnable):
		return notRunnable.Status
	case errors.Is(err, prompt.ErrCancelled), errors.Is(err, context.Canceled), errors.As(err, &elsewhere) && elsewhere.Cancelled:
		return app.StatusInterrupted
	}
	return app.StatusFailed
}
