package prompt

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// An Env gives the drivers access to the system.
type Env struct {
	Lookup   func(name string) (string, bool) // returns an environment variable
	LookPath func(program string) (path string, err error)

	// Run runs a program and returns its standard output; [Runner] returns such a function. If stdin is
	// nil, the program's standard input and standard error are the controlling terminal, if there is
	// one. Otherwise the program reads stdin. If the program exits with a status other than 0, the error
	// has a method ExitCode() int, as [*ProgramError] has.
	Run func(ctx context.Context, argv []string, stdin []byte) (stdout []byte, err error)

	// KeyCode reads the code of the MFA device with that serial from a security key. It prompts for the
	// key's password or a touch itself. Nil if security keys cannot be used.
	KeyCode func(ctx context.Context, serial string) (string, error)

	// CatchSignals is called before the terminal is changed to read keys. From then on, a signal must
	// end the prompt instead of the process, so that the terminal is restored. Nil if the caller has
	// already done this.
	CatchSignals func()

	// OpenTTY opens the controlling terminal, as the function [OpenTTY] does. It returns [ErrNoTerminal]
	// if there is none.
	OpenTTY func() (TTY, error)
}

// A TTY is the controlling terminal. Only one goroutine may use it at a time.
type TTY interface {
	// EnableKeys makes each key readable as soon as it is pressed, without echo, until Restore is
	// called.
	EnableKeys() error

	// ReadKey waits for one byte. It returns ctx's error once ctx is done, io.EOF when the terminal is
	// gone, and [ErrRedraw] when the process was stopped and continued: the prompt must then be shown
	// again.
	ReadKey(ctx context.Context) (byte, error)

	// Write shows s. If the user has paused the output, Write blocks until ctx is done.
	Write(ctx context.Context, s string) error

	// Restore undoes EnableKeys. If discard is set, typed input that was not read yet is discarded;
	// otherwise the next program to read the terminal gets it.
	Restore(discard bool) error

	Close() error
}

var (
	// ErrNoTerminal is returned when the process has no controlling terminal.
	ErrNoTerminal = errors.New("no controlling terminal")

	// ErrTerminalBusy is returned while a program that aws-vault started uses the terminal.
	ErrTerminalBusy = errors.New("a program started by aws-vault is using the terminal")

	// ErrRedraw is returned by [TTY.ReadKey] when another program may have written to the terminal.
	ErrRedraw = errors.New("another program may have written to the terminal")
)

// variable returns the value of an environment variable, or "" if it is not set.
func (e Env) variable(name string) string {
	v, _ := e.Lookup(name)
	return v
}

// withoutTerminal returns an Env in which neither the drivers nor the programs that they run can use a
// terminal.
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

// probeTimeout limits how long a program may take to report whether it can prompt.
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
