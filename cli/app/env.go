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

// Env is the world that the program runs in.
type Env struct {
	Version string
	Stdin   io.Reader
	Stdout  io.Writer
	Stderr  io.Writer
	Getenv  func(name string) (string, bool)
	Environ func() []string
	Home    string // empty if there is none
	User    string // the system's name for who runs us
	Prompt  prompt.Env
	Now     func() time.Time

	// Peers decides who may connect to what this program opens. New sets what is called for
	// those who are refused.
	Peers peer.Check

	// Caller is the name of the program that started us; empty if that is not known.
	Caller func() string

	// StdoutTerminal reports whether stdout is a terminal.
	StdoutTerminal bool
	// StderrTerminal reports whether stderr is a terminal, where a person reads it.
	StderrTerminal bool
	// Host is this machine's name; empty if it has none.
	Host string
	// OpenBrowser opens a page in a browser of this machine, and does not wait for it.
	OpenBrowser func(url string) error
	// StartProgram starts a program of the desktop's, and does not wait for it.
	StartProgram func(argv []string) error
	// LookPath finds a program, as exec.LookPath does.
	LookPath func(program string) (string, error)
	// SelfPath is the path of this program, as its user would write it.
	SelfPath func() (string, error)
	// Exec becomes the program, or runs it and returns its exit status where a process
	// cannot become another.
	Exec func(ctx context.Context, path string, argv, environ []string) (status int, err error)
	// RunChild runs the program beside us and returns its exit status, or 128 and its number if
	// a signal ended it. Meanwhile a signal to us goes on to the program, which may live on:
	// what serves it must not end with the context that Main was given.
	RunChild func(path string, argv, environ []string) (status int, err error)
	// RunSelf runs this program anew, without a terminal, and returns an error unless it is content.
	RunSelf func(ctx context.Context, args ...string) error
	// OpenKeystore opens the keystore, as keystore.Open does.
	OpenKeystore func(ctx context.Context, c keystore.Config) (*keystore.Keystore, error)
	// CardHolder is the name of the program that likely keeps hardware keys from us; empty if that is not known.
	CardHolder func() string
	// Shell runs a line of the user's config and returns what it prints.
	Shell func(ctx context.Context, line string, environ []string, most int64) ([]byte, error)
	// CatchSignals lets the signals that end programs end the context that Main was given, from the first call on.
	// Until then such a signal ends the process, as it does any program. It is called before something is awaited
	// or changed that must not be left halfway. It takes a thread, which is a twentieth of the time of a command
	// that finds its credentials kept. Nil does nothing.
	CatchSignals func()
	// Programs starts programs for packages that run some. Nil is one that no program has started.
	Programs *program.Starter
}
