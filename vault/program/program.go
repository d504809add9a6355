// Package program starts the programs that profiles and settings name, and waits for them. It does not
// interpret their output.
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

// A Starter starts programs. A nil Starter has no parent locks, and its terminal is not busy.
type Starter struct {
	// ParentLocks are the locks held by the processes that started this process and wait for it to end.
	ParentLocks []Lock

	terminalBusy atomic.Bool
}

// SetTerminalBusy records that another program, such as a command that aws-vault has started, uses the terminal.
// Until the function clear is called, programs are started without a terminal. Otherwise the operating system
// would suspend a program that reads from the terminal, together with this process.
func (s *Starter) SetTerminalBusy() (clear func()) {
	s.terminalBusy.Store(true)
	return func() { s.terminalBusy.Store(false) }
}

// TerminalBusy reports whether another program uses the terminal.
func (s *Starter) TerminalBusy() bool { return s != nil && s.terminalBusy.Load() }

// A Command is a program that can be started.
type Command struct {
	*exec.Cmd
	NoTerminal bool // whether the program has no terminal; if true, do not pass it the terminal as an open file
}

// Command returns a program that can be started, like [exec.CommandContext]. The argument environ is its
// environment. If environ is nil, the program gets the environment of this process. Command adds the variable
// [LocksVariable].
//
// If the terminal is busy, the program is started in a new session, without a terminal. When ctx ends, the program
// and its child processes are killed. On Windows, the program has its own invisible console, and its child
// processes are not killed.
func (s *Starter) Command(ctx context.Context, environ []string, path string, args ...string) *Command {
	c := exec.CommandContext(ctx, path, args...)
	c.Env = environ
	c.Env = s.environ(ctx, c.Environ())
	if !s.TerminalBusy() {
		return &Command{Cmd: c}
	}
	// Remove GPG_TTY. Otherwise GnuPG's agent would prompt on the terminal that this variable names.
	c.Env = slices.DeleteFunc(c.Env, func(kv string) bool { return strings.HasPrefix(kv, "GPG_TTY=") })
	detach(c)
	return &Command{Cmd: c, NoTerminal: true}
}

// A NoTerminalError reports that a program without a terminal failed. The missing terminal may be the reason.
type NoTerminalError struct{ Err error }

func (e *NoTerminalError) Error() string { return e.Err.Error() + " (the program had no terminal)" }

// Unwrap returns the error of the program.
func (e *NoTerminalError) Unwrap() error { return e.Err }

// WrapError returns err, the error of the program. If the program had no terminal, the result is a [*NoTerminalError]
// that wraps err.
func (c *Command) WrapError(err error) error {
	if err == nil || !c.NoTerminal {
		return err
	}
	return &NoTerminalError{err}
}

// environ returns the environment with the current value of [LocksVariable].
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

// A RecursionError reports that a program would start itself endlessly: see [Starter.PreventRecursion].
type RecursionError struct {
	Process int // the ID of the aws-vault process that started the program
}

func (e *RecursionError) Error() string {
	return fmt.Sprintf("endless loop: aws-vault (process %d) started this program, and the program has started aws-vault again", e.Process)
}

// PreventRecursion returns a context for starting a program that may start aws-vault again. The argument name is
// one word that identifies the program and its task. If a parent process has already started the program with this
// name, PreventRecursion returns a [*RecursionError].
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

// libraryMu is held while a library starts a program, because the environment of this process is changed during
// this time.
var libraryMu sync.Mutex

// StartByLibrary calls the function start, which starts a program through a library. That program inherits the
// environment of this process. While start runs, this environment lists the locks that ctx records and the locks
// of the parent processes.
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

// StartDetached calls the function start, which starts a program through a library. No process waits for that
// program to end, so it may run longer than this process holds its locks. While start runs, the environment of
// this process contains neither [LocksVariable] nor the variables that the argument without names.
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

// Output stores the first Limit bytes of the output of a program. It discards the rest, so that the program can
// continue to write.
type Output struct {
	Limit int

	buffer   bytes.Buffer
	exceeded bool
}

// Write stores p, up to the limit. It never returns an error.
func (o *Output) Write(p []byte) (int, error) {
	keep := min(len(p), o.Limit-o.buffer.Len())
	o.buffer.Write(p[:keep])
	o.exceeded = o.exceeded || keep < len(p)
	return len(p), nil
}

// Bytes returns the stored output.
func (o *Output) Bytes() []byte { return o.buffer.Bytes() }

// String returns the stored output.
func (o *Output) String() string { return o.buffer.String() }

// Exceeded reports whether the program wrote more than Limit bytes.
func (o *Output) Exceeded() bool { return o.exceeded }
