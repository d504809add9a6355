package cli

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"

	"aws-vault/vault/disk"
)

// stateDir is where this program keeps what is neither a key nor a setting.
func (a *app) stateDir() (string, error) {
	if dir, _ := a.env.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "aws-vault"), nil
	}
	if dir, _ := a.env.Getenv("LOCALAPPDATA"); runtime.GOOS == "windows" && dir != "" {
		return filepath.Join(dir, "aws-vault"), nil
	}
	switch {
	case a.env.Home == "":
		return "", errors.New("no home directory is known, want HOME or XDG_STATE_HOME to be set")
	case runtime.GOOS == "darwin":
		return filepath.Join(a.env.Home, "Library", "Application Support", "aws-vault"), nil
	}
	return filepath.Join(a.env.Home, ".local", "state", "aws-vault"), nil
}

// A noStateError is why the state folder cannot be used. Most commands do without it: see
// [app.sharedState].
type noStateError struct{ err error }

func (e *noStateError) Error() string { return "the state folder cannot be used: " + e.err.Error() }

func (e *noStateError) Unwrap() error { return e.err }

func (e *noStateError) Is(target error) bool { return target == disk.ErrNoFolder }

// findState returns the folder for what this program remembers and shares between its processes,
// or a *noStateError.
func (a *app) findState() (*disk.Folder, error) {
	dir, err := a.stateDir()
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
func (a *app) sharedState() (*disk.Folder, error) {
	state, err := a.state()
	var none *noStateError
	if !errors.As(err, &none) {
		return state, err
	}
	if !a.alone.Swap(true) {
		a.warnWithRemedy(fmt.Errorf("nothing is cached, and processes do not wait for each other: %w", err))
	}
	return nil, nil
}

// stateful are the commands, and groups of commands, that would be in vain without a state folder:
// what they do is to store something there, or to remove it.
var stateful = []string{
	"aws-login", "clear", "identity", "oidc login", "oidc logout", "rekey", "rotate", "sealed add", "sealed init", "sealed recover", "sealed rekey",
	"sealed remove", "serve", "sso login", "sso logout",
}

// needState returns why the state folder cannot be used, if the command needs one.
func (a *app) needState(command string) error {
	for _, c := range stateful {
		if command == c || strings.HasPrefix(command, c+" ") {
			_, err := a.state()
			return err
		}
	}
	return nil
}
