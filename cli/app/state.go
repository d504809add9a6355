package app

import (
	"errors"
	"fmt"

	"aws-vault/vault/disk"
)

// stateDir returns the path of the state folder, which contains locks, indexes and caches.
func (e *Env) stateDir() (string, error) {
	dir, found := disk.State.ProgramDir(e.Getenv, e.Home)
	if !found {
		return "", errors.New("the home directory is unknown: HOME and XDG_STATE_HOME are not set")
	}
	return dir, nil
}

// A noStateError reports that the state folder cannot be used. Most commands work without the state folder, see
// [App.sharedState].
type noStateError struct{ err error }

func (e *noStateError) Error() string { return "cannot use the state folder: " + e.err.Error() }

func (e *noStateError) Unwrap() error { return e.err }

func (e *noStateError) Is(target error) bool { return target == disk.ErrNoFolder }

// findState returns the state folder, or a *noStateError if the folder cannot be used. If the path of the folder is
// not known, findState returns another error.
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

// sharedState returns the state folder. If the folder cannot be used, sharedState returns nil and prints a
// warning, but only once. The warning says that sessions are not cached, and that processes do not wait for each
// other. sharedState returns an error only if the path of the folder is not known.
func (a *App) sharedState() (*disk.Folder, error) {
	state, err := a.State()
	var none *noStateError
	if !errors.As(err, &none) {
		return state, err
	}
	if !a.NoStateWarned.Swap(true) {
		a.warnWithRemedy(fmt.Errorf("sessions are not cached, and aws-vault processes do not wait for each other: %w", err))
	}
	return nil, nil
}
