package app

import (
	"context"
	"errors"

	"aws-vault/prompt"
	"aws-vault/vault/store"
)

// ProfileName returns the profile to use, or an error that says which there are.
func (a *App) ProfileName(f *CredentialFlags) (string, error) {
	if f.Profile != "" {
		return f.Profile, nil
	}
	config, _, err := a.Env.ReadConfig(nil)
	if err != nil {
		return "", err
	}
	return f.aProfile(config.Profiles())
}

// PickProfile returns the profile to use. Where none was named and there is a person at a
// terminal, they are offered those of the config file; else the error says which there are.
func (a *App) PickProfile(ctx context.Context, f *CredentialFlags) (string, error) {
	name, err := a.ProfileName(f)
	if err == nil || len(a.Env.callers()) > 0 { // whom a profile's own command runs for is not there to pick
		return name, err
	}
	var nobody *UsageError
	if !errors.As(err, &nobody) {
		return "", err
	}
	config, _, readErr := a.Env.ReadConfig(nil)
	if readErr != nil || len(config.Profiles()) == 0 || a.Env.Prompt.OpenTTY == nil {
		return "", err
	}
	picked, pickErr := prompt.Pick(ctx, a.Env.Prompt, prompt.Choice{Text: "AWS profile", Names: uses(a).Order(config.Profiles())})
	if errors.Is(pickErr, prompt.ErrNoTerminal) || errors.Is(pickErr, prompt.ErrTerminalBusy) {
		return "", err
	}
	return picked, pickErr
}

// NoteUse remembers a profile that a person used, for the next list. What a program reads
// says nothing of a person.
func (a *App) NoteUse(profile string, picked bool) {
	if !a.Env.Terminal && !picked {
		return
	}
	if err := uses(a).Note(profile); err != nil {
		a.Log.Debug("a use was not noted", "error", err)
	}
}

func uses(a *App) *store.Uses {
	u := &store.Uses{Now: a.Env.Now}
	if state, err := a.State(); err == nil {
		u.Dir = state
	}
	return u
}
