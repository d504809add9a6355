// Package app provides what all commands share: the opened vault, prompts, notes and common flags.
// The commands are in sibling packages such as cli/run, which do not import each other.
package app

import (
	"log/slog"
	"sync"
	"sync/atomic"

	"aws-vault/vault/disk"
	"aws-vault/vault/keystore"
	"aws-vault/vault/printable"
	"aws-vault/vault/profile"
	"aws-vault/vault/program"
	"aws-vault/vault/source"
)

// An App is one run of the program. It contains the environment, the global flags, and the functions that open the
// state folder and the keystore.
type App struct {
	Env     Env
	Log     *slog.Logger
	Globals globals
	Debug   bool

	State         func() (*disk.Folder, error) // returns the state folder; calls findState once
	NoStateWarned *atomic.Bool                 // whether a warning that the state folder cannot be used has been printed
	Trades        *source.Exchanges            // token exchanges in progress; the process exits only after they have ended

	MemoryRing func() keystore.Ring // returns the ring that caches sessions in memory if there is no state folder

	// KeystoreName is the name of the keystore in use. It is empty before a keystore is opened. Hints depend on
	// the name. Most errors do not contain the name, because the packages that return them do not know the
	// keystore.
	KeystoreName string

	password *keyPassword
	broken   []profile.Problem // the lines of the config files that the last warning was about
}

// New returns an App for env. If env.Programs or env.CatchSignals is nil, New sets the field to a default. All that
// commands write to stdout and stderr passes a [printable.Writer].
func New(env Env) *App {
	a := &App{
		Env: env, Log: slog.New(slog.DiscardHandler), NoStateWarned: new(atomic.Bool), MemoryRing: sync.OnceValue(keystore.Memory),
		Trades: new(source.Exchanges), password: new(keyPassword),
	}
	if a.Env.Programs == nil {
		a.Env.Programs = &program.Starter{}
	}
	if a.Env.CatchSignals == nil {
		a.Env.CatchSignals = func() {}
	}
	a.Env.Prompt.CatchSignals = a.Env.CatchSignals
	a.Env.Stdout, a.Env.Stderr = printable.Writer(env.Stdout), printable.Writer(env.Stderr)
	a.State = sync.OnceValues(a.findState)
	a.Env.Peers.Refused = warnRefusedPeers(a)
	return a
}
