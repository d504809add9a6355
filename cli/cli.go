// Package cli parses the command line, runs one command and prints its error.
package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/cli/app"
	"aws-vault/cli/run"
	"aws-vault/prompt"
	"aws-vault/vault/keystore"
	"aws-vault/vault/program"
	"aws-vault/vault/source"
	"aws-vault/vault/store"
)

// Main runs one command line, without the program's name, and returns its exit status.
func Main(ctx context.Context, args []string, env app.Env) (status int) {
	a := &app.App{
		Env: env, Log: slog.New(slog.DiscardHandler), Alone: new(atomic.Bool), Memory: sync.OnceValue(keystore.Memory),
		Trades: new(source.Trades),
	}
	a.Env.Prompt.KeyCode = func(ctx context.Context, serial string) (string, error) { return app.KeyCode(ctx, a, serial) }
	if a.Env.Programs == nil {
		a.Env.Programs = &program.Starter{}
	}
	a.State = sync.OnceValues(a.FindState)
	a.Env.Peers.Refused = app.WarnStrangers(a)
	k := parser(a, meant(args)...)
	defer func() {
		switch r := recover().(type) {
		case nil:
		case terminated:
			status = int(r)
		default:
			panic(r)
		}
	}()
	if status, asked := completion(a, k, args); asked {
		return status
	}
	left, command, _ := splitCommand(k, args)
	a.Words = command
	name, err := k.Parse(left)
	if err != nil {
		fmt.Fprintf(env.Stderr, "aws-vault: error: %v\naws-vault: hint: see aws-vault --help\n", err)
		return app.StatusUsage
	}
	if a.Debug {
		a.Log = slog.New(slog.NewTextHandler(env.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	if err := a.Globals.Check(); err != nil && name != "doctor" { // which finds that itself
		return report(a, name, err)
	}
	if err := agentRefusal(a, k, name); err != nil {
		return report(a, name, err)
	}
	if err := needState(a, name); err != nil {
		return report(a, name, err)
	}
	if name != "exec" && name != "export" {
		ctx.Done() // these may write before they wait, and are not to be ended in the middle of it
	}
	err = a.Verb.Run(ctx)
	a.Trades.Close()
	return report(a, name, err)
}

// terminated is how kingpin's wish to end the process comes back to Main.
type terminated int

// parser knows these commands.
func parser(a *app.App, known ...func(*kingpin.Application, *app.App)) *kingpin.Application {
	kingpin.EnableFileExpansion, kingpin.ManPageTemplate = false, manTemplate
	k := kingpin.New("aws-vault", "Keeps AWS credentials in a keystore and hands out short-lived ones.")
	k.UsageWriter(a.Env.Stdout).ErrorWriter(a.Env.Stderr)
	k.Terminate(func(status int) { panic(terminated(status)) })
	k.Version(a.Env.Version).VersionFlag.Short('v').Help("Print the version.")
	k.HelpFlag.Short('h').Help("Show this page; --help-long shows all pages, --help-man the manual page.")
	k.UsageTemplate(helpTemplate).UsageFuncs(map[string]any{"help": help, "man": man})
	k.Flag("debug", "Write a log to stderr. It never holds a secret.").BoolVar(&a.Debug)
	a.Globals.Bind(k)
	for _, add := range known {
		add(k, a)
	}
	return k
}

// report says what went wrong and what to do about it, and returns the exit status.
func report(a *app.App, command string, err error) int {
	var status app.StatusError
	var usage *app.UsageError
	switch {
	case err == nil:
		return app.StatusDone
	case errors.As(err, &status):
		return int(status)
	}
	fmt.Fprintf(a.Env.Stderr, "aws-vault: error: %s: %s\n", command, a.Env.Shorten(err.Error()))
	a.PrintHints(err)
	var driver *prompt.UnknownDriverError
	var notRunnable *run.CommandError
	var elsewhere *store.MakerError
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
