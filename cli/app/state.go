package app

import (
	"errors"
	"fmt"

	"aws-vault/vault/disk"
)

// stateDir is where this program keeps what is neither a key nor a setting.
func (e *Env) stateDir() (string, error) {
	dir, found := disk.State.ProgramDir(e.Getenv, e.Home)
	if !found {
		return "", errors.New("no home directory is known, want HOME or XDG_STATE_HOME to be set")
	}
	return dir, nil
}

// A noStateError is why the state folder cannot be used. Most commands do without it: see
// [App.sharedState].
type noStateError struct{ err error }

func (e *noStateError) Error() string { return "the state folder cannot be used: " + e.err.Error() }

func (e *noStateError) Unwrap() error { return e.err }

func (e *noStateError) Is(target error) bool { return target == disk.ErrNoFolder }

// findState returns the folder for what this program remembers and shares between its processes,
// or a *noStateError.
func (a *App) findState() (*disk.Folder, error) {
	dir, err := a.Env.stateDir()
	if err != nil {
		return nil, err
	}
	state := disk.NewFolder(dir)
	if err := state.Usable(); err != nil {
		return nil, &noStateError{err}
	}
	return state, nil
}

// sharedState returns the state folder, or nil where it cannot be used: then nothing is cached,
// processes do not wait for each other, and one warning says so.
func (a *App) sharedState() (*disk.Folder, error) {
	state, err := a.State()
	var none *noStateError
	if !errors.As(err, &none) {
		return state, err
	}
	if !a.NoStateWarned.Swap(true) {
		a.warnWithRemedy(fmt.Errorf("nothing is cached, and processes do not wait for each other: %w", err))
	}
	return nil, nil
}
