package app

import (
	"strings"
	"time"

	"aws-vault/prompt"
	"aws-vault/vault/disk"
	"aws-vault/vault/keystore"
	"aws-vault/vault/store"
)

// Locks returns the locks that this user's aws-vault processes share, and the state folder. The state folder is
// nil if it cannot be used. The parameter what describes this command. Other processes print this description
// while they wait for one of the locks.
func (a *App) Locks(what string) (*store.Locks, *disk.Folder, error) {
	state, err := a.sharedState()
	if err != nil {
		return nil, nil, err
	}
	return &store.Locks{
		Dir: state.Folder("locks"), Program: strings.TrimSpace("aws-vault " + what), Now: a.Env.Now,
		ParentLocks: a.Env.Programs.ParentLocks, CatchSignals: a.Env.CatchSignals,
		MaxWait: a.maxWait,
		OnSlowWait: func(w store.Wait) {
			if w.Program == "" {
				w.Program = "another aws-vault"
			}
			a.Note("waiting for process %d (%s), which is busy with: %s", w.Process, w.Program, w.Question)
		},
	}, state, nil
}

// maxWait returns how long this process may wait for another process. If this process could prompt, there is no
// limit: the user is present, sees what the process waits for, and can interrupt it. If this process could not
// prompt, perhaps nobody is there to answer the prompt of the other process, so --timeout limits the wait.
func (a *App) maxWait() time.Duration {
	if a.CanAsk(prompt.Options{TerminalBusy: a.Env.Programs.TerminalBusy()}) == nil {
		return 0
	}
	return a.Globals.timeout
}

// KeystoreConfig returns the configuration for opening the keystore that the global flags select.
func (a *App) KeystoreConfig(q Asker, state *disk.Folder) keystore.Config {
	g := a.Globals
	return keystore.Config{
		Backend: g.Backend, KeychainName: g.keychain, Collection: g.collection,
		PassDir: g.passDir, PassCmd: g.passCmd, PassPrefix: g.passPrefix, FileDir: g.FileDir, SealedDir: g.sealedDir,
		State: state, Home: a.Env.Home, Passphrase: q.filePassphrase, Openers: q.unlockOptions(),
		Lock: lockFunc(q.locks), Programs: a.Env.Programs,
		Note: func(m string) { a.Note("%s", a.Env.Shorten(m)) }, Warn: a.warnWithRemedy,
		CatchSignals: a.Env.CatchSignals, Getenv: a.Env.Getenv, Now: a.Env.Now, Debug: a.Log.Debug,
	}
}
