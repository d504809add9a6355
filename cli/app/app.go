// Package app provides what all commands share: the opened vault, questions to the user, notes and
// common flags. The commands are in the packages beside it, none of which imports another.
package app

import (
	"log/slog"
	"sync"
	"sync/atomic"

	"aws-vault/vault/disk"
	"aws-vault/vault/keystore"
	"aws-vault/vault/program"
	"aws-vault/vault/source"
)

// An App is one run of the program: its environment, and what opens the rest.
type App struct {
	Env     Env
	Log     *slog.Logger
	Globals globals
	Debug   bool

	State         func() (*disk.Folder, error) // findState, once
	NoStateWarned *atomic.Bool                 // it was said that there is no state folder
	Trades        *source.Exchanges            // that the process does not end in the middle of

	MemoryRing func() keystore.Ring // keeps sessions where there is no state folder

	// KeystoreName is the name of the keystore in use, once it is. What to do about an error can depend on it,
	// and most of these errors come from packages that do not know which keystore is below them.
	KeystoreName string

	password *keyPassword
}

// New is a run of the program in an environment.
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
	a.State = sync.OnceValues(a.findState)
	a.Env.Peers.Refused = warnRefusedPeers(a)
	return a
}
