package app

import (
	"context"
	"io"
	"time"

	"aws-vault/prompt"
	"aws-vault/vault/keystore"
	"aws-vault/vault/peer"
	"aws-vault/vault/program"
)

// Env contains everything outside the program that commands use: files, environment variables, the clock, other
// programs and prompts. Package system returns the Env of a real process. Tests create other Envs.
type Env struct {
	Version string
	Stdin   io.Reader
	Stdout  io.Writer
	Stderr  io.Writer
	Getenv  func(name string) (string, bool)
	Environ func() []string
	Home    string // the home directory; empty if the user has none
	User    string // the user's login name
	Prompt  prompt.Env
	Now     func() time.Time

	// Peers decides which users may connect to the ports and sockets of this program. New sets the field Refused
	// of Peers to a function that prints a warning about a refused connection.
	Peers peer.Check

	// Caller returns the name of the program that started this process, or an empty string if it is unknown.
	Caller func() string

	// StdoutTerminal reports whether stdout is a terminal.
	StdoutTerminal bool
	// StderrTerminal reports whether stderr is a terminal.
	StderrTerminal bool
	// Host is the name of this machine. It is empty if the machine has no name.
	Host string
	// OpenBrowser opens a page in the default browser. It does not wait until the browser exits.
	OpenBrowser func(url string) error
	// StartProgram starts a desktop program, such as a browser. It does not wait until the program exits.
	StartProgram func(argv []string) error
	// LookPath finds a program, as exec.LookPath does.
	LookPath func(program string) (string, error)
	// SelfPath returns the path of this program. Commands write this path to config files.
	SelfPath func() (string, error)
	// Exec replaces this process with a program. Windows cannot replace a process. On Windows, Exec runs the
	// program and returns the program's exit status.
	Exec func(ctx context.Context, path string, argv, environ []string) (status int, err error)
	// RunChild runs a program as a child process and returns its exit status. If a signal ended the child, the
	// status is 128 plus the signal number. RunChild forwards signals to the child. A signal also ends the context
	// of cli.Main, but the child may handle the signal and continue. So a server for the child must not use this
	// context.
	RunChild func(path string, argv, environ []string) (status int, err error)
	// RunSelf runs this program again, without a terminal. It returns an error if the exit status is not 0.
	RunSelf func(ctx context.Context, args ...string) error
	// OpenKeystore opens the keystore, as keystore.Open does.
	OpenKeystore func(ctx context.Context, c keystore.Config) (*keystore.Keystore, error)
	// CardHolder returns the name of the program that probably uses the security key, or an empty string if no such
	// program is known.
	CardHolder func() string
	// Shell runs a command line of the config file and returns its output. The parameter most is the maximum size of
	// the output in bytes. If the output is larger, Shell returns an error.
	Shell func(ctx context.Context, line string, environ []string, most int64) ([]byte, error)
	// After a call to CatchSignals, a signal such as SIGINT cancels the context of cli.Main and does not end the
	// process. A command calls CatchSignals before it waits, and before a change that a signal must not interrupt.
	// The call starts a thread, which takes 5 % of the run time of a command that finds cached credentials. So
	// commands call CatchSignals only when they need it. If CatchSignals is nil, New sets it to a function that does
	// nothing.
	CatchSignals func()
	// Programs starts other programs. If Programs is nil, New sets it to a Starter without inherited locks.
	Programs *program.Starter
}
