package prompt

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// An Env is the world as the drivers see it.
type Env struct {
	Lookup   func(name string) (string, bool) // an environment variable
	LookPath func(program string) (path string, err error)

	// Run runs a program and returns its standard output, as what [Runner] returns does. With a nil stdin the program's standard
	// input and error are the controlling terminal, if there is one; otherwise it reads what it is given. A program
	// that ends with a status other than 0 makes an error that has an ExitCode() int, such as a [*ProgramError].
	Run func(ctx context.Context, argv []string, stdin []byte) (stdout []byte, err error)

	// KeyCode reads the code of an MFA device from a security key, by the device's serial. What the key wants to know
	// first, it asks a person in its turn. Nil where no key can be used.
	KeyCode func(ctx context.Context, serial string) (string, error)

	// CatchSignals is called before keys are read from the terminal, so that from there on a signal ends the wait: if it
	// ended the process, the terminal would stay as it is. Nil where signals are left to the caller.
	CatchSignals func()

	// OpenTTY opens the controlling terminal, as [OpenTTY] does; it returns [ErrNoTerminal] if there is none.
	OpenTTY func() (TTY, error)
}

// A TTY is the controlling terminal. It is used by one goroutine at a time.
type TTY interface {
	// EnableKeys makes each key readable as it is pressed, shown nowhere, until Restore.
	EnableKeys() error

	// ReadKey waits for a byte. It returns ctx's error once ctx is done, [ErrRedraw] when the process was
	// stopped and goes on, so that the question must be put again, and io.EOF when the terminal is gone.
	ReadKey(ctx context.Context) (byte, error)

	// Write shows s. A terminal that the user has halted holds it up until ctx is done.
	Write(ctx context.Context, s string) error

	// Restore undoes Keys. If discard is set, what was typed and not read is thrown away instead of being left
	// for whoever reads next.
	Restore(discard bool) error

	Close() error
}

var (
	// ErrNoTerminal is returned when the process has no controlling terminal.
	ErrNoTerminal = errors.New("no controlling terminal")

	// ErrTerminalBusy is returned when the terminal belongs to a program that was started from here.
	ErrTerminalBusy = errors.New("a running program has the terminal")

	// ErrRedraw is returned by [TTY.ReadKey] when others may have written to the terminal.
	ErrRedraw = errors.New("the terminal was used by others")
)

// variable returns an environment variable's value, empty if it is not set.
func (e Env) variable(name string) string {
	v, _ := e.Lookup(name)
	return v
}

// withoutTerminal returns an Env in which no driver finds a terminal, not even one that runs a program of its own.
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

// noInput is the standard input of a program that needs none and shall not have the terminal.
var noInput = []byte{}

// probeTimeout is how long a program may take to say whether it can ask.
const probeTimeout = 5 * time.Second

// probe runs a program that says something about itself and asks nothing.
func (e Env) probe(argv []string, stdin []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), probeTimeout)
	defer cancel()
	out, err := e.Run(ctx, argv, stdin)
	if err != nil && ctx.Err() != nil {
		return nil, fmt.Errorf("%s says nothing within %s", argv[0], probeTimeout)
	}
	return out, err
}
