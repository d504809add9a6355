// Package program starts the programs that profiles and settings name, and waits for them. What
// they are for, and what their output means, is left to the packages that run them.
package program

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// A Starter starts programs. Nil is a Starter without callers, whose terminal is not lent.
type Starter struct {
	// ParentLocks are the locks that the processes hold that started this one and wait for it.
	ParentLocks []Lock

	terminalBusy atomic.Bool
}

// SetTerminalBusy says that the terminal belongs to others from now on, such as a command that we have started,
// until clear is called. Programs that are started meanwhile have no terminal: if one used it,
// the system would stop it, and this process with it.
func (s *Starter) SetTerminalBusy() (clear func()) {
	s.terminalBusy.Store(true)
	return func() { s.terminalBusy.Store(false) }
}

// TerminalBusy reports whether the terminal is lent.
func (s *Starter) TerminalBusy() bool { return s != nil && s.terminalBusy.Load() }

// A Command is a program to start.
type Command struct {
	*exec.Cmd
	NoTerminal bool // it has no controlling terminal, and must not be given one
}

// Command returns a program to start, as [exec.CommandContext] does. Its environment is environ,
// or that of this process if environ is nil, with the locks that ctx and our callers hold.
//
// While the terminal is lent, the program is started in a session of its own, which has no
// terminal. When ctx ends it is killed, and with it what it has started. On Windows it gets a console
// of its own that nobody sees, and is killed alone.
func (s *Starter) Command(ctx context.Context, environ []string, path string, args ...string) *Command {
	c := exec.CommandContext(ctx, path, args...)
	c.Env = environ
	c.Env = s.environ(ctx, c.Environ())
	if !s.TerminalBusy() {
		return &Command{Cmd: c}
	}
	// GnuPG has its agent ask on the terminal that this names.
	c.Env = slices.DeleteFunc(c.Env, func(kv string) bool { return strings.HasPrefix(kv, "GPG_TTY=") })
	detach(c)
	return &Command{Cmd: c, NoTerminal: true}
}

// A NoTerminalError is a failure of a program that had no terminal, perhaps for want of it.
type NoTerminalError struct{ Err error }

func (e *NoTerminalError) Error() string { return e.Err.Error() + " (it had no terminal)" }

// Unwrap returns how the program failed.
func (e *NoTerminalError) Unwrap() error { return e.Err }

// WrapError returns err, within a [*NoTerminalError] if the program had no terminal.
func (c *Command) WrapError(err error) error {
	if err == nil || !c.NoTerminal {
		return err
	}
	return &NoTerminalError{err}
}

// environ returns the environment with the locks that are held.
func (s *Starter) environ(ctx context.Context, environ []string) []string {
	environ = slices.DeleteFunc(environ, func(kv string) bool { return strings.HasPrefix(kv, LocksVariable+"=") })
	locks := HeldLocks(ctx)
	if s != nil {
		locks = slices.Concat(s.ParentLocks, locks)
	}
	if len(locks) > 0 {
		environ = append(environ, LocksVariable+"="+FormatLocks(locks))
	}
	return environ
}

// A RecursionError is returned by [Starter.Once].
type RecursionError struct {
	Process int // the aws-vault that has started the program
}

func (e *RecursionError) Error() string {
	return fmt.Sprintf("process %d has started it already, and it led to this aws-vault", e.Process)
}

// PreventRecursion returns a context to start a program with, such that an aws-vault that the program runs does
// not start it in turn: there it returns a [*RecursionError]. Name tells what the program does,
// in one word.
func (s *Starter) PreventRecursion(ctx context.Context, name string) (context.Context, error) {
	if s != nil {
		for _, l := range s.ParentLocks {
			if l.Name == name {
				return ctx, &RecursionError{Process: l.Process}
			}
		}
	}
	return WithLock(ctx, name), nil
}

// libraryMu lets one library at a time start programs.
var libraryMu sync.Mutex

// StartByLibrary calls start, which has a library start a program that gets the environment of this
// process. Meanwhile that environment says which locks ctx and our callers hold.
func StartByLibrary(ctx context.Context, start func() error) error {
	libraryMu.Lock()
	defer libraryMu.Unlock()
	before, set := os.LookupEnv(LocksVariable)
	if held := FormatLocks(HeldLocks(ctx)); held != "" {
		os.Setenv(LocksVariable, strings.TrimSpace(before+" "+held))
		defer func() {
			if os.Setenv(LocksVariable, before); !set {
				os.Unsetenv(LocksVariable)
			}
		}()
	}
	return start()
}

// StartDetached calls start, which has a library start a program that lives on when nobody waits for it. Meanwhile the
// environment of this process has no locks, which will not be held as long, and none of the variables of these names.
func StartDetached(without []string, start func() error) error {
	libraryMu.Lock()
	defer libraryMu.Unlock()
	for _, name := range append([]string{LocksVariable}, without...) {
		if value, set := os.LookupEnv(name); set {
			os.Unsetenv(name)
			defer os.Setenv(name, value)
		}
	}
	return start()
}

// Output keeps the beginning of what a program writes, up to Limit bytes. It reads on after that, so
// that the program is not held up.
type Output struct {
	Limit int

	buffer   bytes.Buffer
	exceeded bool
}

// Write never fails.
func (o *Output) Write(p []byte) (int, error) {
	keep := min(len(p), o.Limit-o.buffer.Len())
	o.buffer.Write(p[:keep])
	o.exceeded = o.exceeded || keep < len(p)
	return len(p), nil
}

// Bytes returns what was kept.
func (o *Output) Bytes() []byte { return o.buffer.Bytes() }

// String returns what was kept.
func (o *Output) String() string { return o.buffer.String() }

// Exceeded reports whether the program wrote more than was kept.
func (o *Output) Exceeded() bool { return o.exceeded }
