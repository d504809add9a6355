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

// Env is everything outside the program that commands use: files, environment variables, the clock, other
// programs and prompts. Package system fills it in for a real process; tests use their own.
type Env struct {
	Version string
	Stdin   io.Reader
	Stdout  io.Writer
	Stderr  io.Writer
	Getenv  func(name string) (string, bool)
	Environ func() []string
	Home    string // empty if there is none
	User    string // the user's login name
	Prompt  prompt.Env
	Now     func() time.Time

	// Peers decides which users may connect to the ports and sockets that this program opens. New sets its
	// function that is called for refused connections.
	Peers peer.Check

	// Caller returns the name of the program that started this process, or an empty string if it is unknown.
	Caller func() string

	// StdoutTerminal reports whether stdout is a terminal.
	StdoutTerminal bool
	// StderrTerminal reports whether stderr is a terminal.
	StderrTerminal bool
	// Host is the name of this machine; empty if it has none.
	Host string
	// OpenBrowser opens a page in the default browser and does not wait for the browser to exit.
	OpenBrowser func(url string) error
	// StartProgram starts a desktop program, such as a browser, and does not wait for it to exit.
	StartProgram func(argv []string) error
	// LookPath finds a program, as exec.LookPath does.
	LookPath func(program string) (string, error)
	// SelfPath returns the path of this program, to be written to config files.
	SelfPath func() (string, error)
	// Exec replaces this process with the program. On Windows, where that is impossible, it runs the program
	// and returns its exit status.
	Exec func(ctx context.Context, path string, argv, environ []string) (status int, err error)
	// RunChild runs the program as a child process and returns its exit status, or 128 plus the signal number
	// if a signal ended it. It forwards signals to the child. The child may survive a signal, so a server
	// for the child must not stop when the context of Main ends.
	RunChild func(path string, argv, environ []string) (status int, err error)
	// RunSelf runs this program again, without a terminal, and returns an error unless its exit status is 0.
	RunSelf func(ctx context.Context, args ...string) error
	// OpenKeystore opens the keystore, as keystore.Open does.
	OpenKeystore func(ctx context.Context, c keystore.Config) (*keystore.Keystore, error)
	// CardHolder returns the name of the program that probably holds the security key open, or an empty
	// string if it is unknown.
	CardHolder func() string
	// Shell runs a command line of the config file and returns its output, up to a maximum size in bytes.
	Shell func(ctx context.Context, line string, environ []string, most int64) ([]byte, error)
	// CatchSignals makes signals such as SIGINT cancel the context of Main instead of ending the process. It is
	// called before a wait or a change that must not be interrupted halfway. It is not called earlier because
	// it starts a thread, which takes 5 % of the time of a command that finds cached credentials. Nil does nothing.
	CatchSignals func()
	// Programs starts other programs. If it is nil, New creates one without inherited locks.
	Programs *program.Starter
}
