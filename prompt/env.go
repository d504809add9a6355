package prompt

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// An Env contains the functions through which drivers use the system.
type Env struct {
	Lookup   func(name string) (string, bool) // returns the value of an environment variable
	LookPath func(program string) (path string, err error)

	// Run runs a program and returns its standard output. [Runner] returns such a function. If stdin is not nil,
	// it is the program's standard input. If stdin is nil and there is a controlling terminal, the program's
	// standard input and standard error are the terminal. If stdin is nil and there is no terminal, the standard
	// input is empty. If the program's exit status is not 0, the error has a method ExitCode() int, like
	// [*ProgramError].
	Run func(ctx context.Context, argv []string, stdin []byte) (stdout []byte, err error)

	// KeyCode reads the code of the MFA device with this serial from a security key. KeyCode itself prompts for
	// the key's password or for a touch. KeyCode is nil if security keys cannot be used.
	KeyCode func(ctx context.Context, serial string) (string, error)

	// CatchSignals is called before the settings of the terminal are changed to read keys. After the call, a signal
	// must end only the prompt and not the process, because the prompt then restores the settings. CatchSignals is
	// nil if the caller already catches signals.
	CatchSignals func()

	// OpenTTY opens the controlling terminal, like the function [OpenTTY] of this package. It returns [ErrNoTerminal]
	// if there is no controlling terminal.
	OpenTTY func() (TTY, error)
}

// A TTY is the controlling terminal. Only one goroutine may use it at a time.
type TTY interface {
	// EnableKeys makes each key readable as soon as the user presses the key, and turns echo off. Restore undoes
	// both.
	EnableKeys() error

	// ReadKey waits for one byte and returns it. It returns the error of ctx if ctx ends, and io.EOF if the terminal
	// is gone. It returns [ErrRedraw] if the process was stopped and has continued. The prompt must then be shown
	// again.
	ReadKey(ctx context.Context) (byte, error)

	// Write shows s. If the user has paused the terminal's output, Write waits until the user resumes it or ctx ends.
	Write(ctx context.Context, s string) error

	// Restore undoes EnableKeys. If discard is true, Restore discards input that was typed but not yet read.
	// Otherwise the next program that reads the terminal receives this input.
	Restore(discard bool) error

	Close() error
}

var (
	// ErrNoTerminal reports that the process has no controlling terminal.
	ErrNoTerminal = errors.New("no controlling terminal")

	// ErrTerminalBusy reports that a program that aws-vault started is using the terminal.
	ErrTerminalBusy = errors.New("a program started by aws-vault is using the terminal")

	// ErrRedraw reports that another program may have written to the terminal, so that the prompt must be shown again.
	ErrRedraw = errors.New("another program may have written to the terminal")
)

// variable returns the value of an environment variable, or "" if it is not set.
func (e Env) variable(name string) string {
	v, _ := e.Lookup(name)
	return v
}

// withoutTerminal returns a copy of e without access to the terminal. Neither the drivers nor the programs that
// they run can use the terminal.
func (e Env) withoutTerminal() Env {
	lookup := e.Lookup
	e.Lookup = func(name string) (string, bool) {
		if name == "GPG_TTY" {
			return "", false
		}
		return lookup(name)
	}
	run := e.Run
	e.Run = func(ctx context.Context, argv []string, stdin []byte) ([]byte, error) {
		if stdin == nil {
			stdin = noInput
		}
		return run(ctx, argv, stdin)
	}
	e.OpenTTY = func() (TTY, error) { return nil, ErrTerminalBusy }
	return e
}

// noInput is the standard input of a program that must not use the terminal.
var noInput = []byte{}

// probeTimeout is the maximum time that a program has to report whether it can prompt.
const probeTimeout = 5 * time.Second

// probe runs a program that prints information about itself and does not prompt.
func (e Env) probe(argv []string, stdin []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), probeTimeout)
	defer cancel()
	out, err := e.Run(ctx, argv, stdin)
	if err != nil && ctx.Err() != nil {
		return nil, fmt.Errorf("%s did not respond within %s", argv[0], probeTimeout)
	}
	return out, err
}
