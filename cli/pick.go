package cli

import (
	"context"
	"errors"

	"aws-vault/prompt"
	"aws-vault/vault/store"
)

// pickProfile returns the profile to use. Where none was named and there is a person at a
// terminal, they are offered those of the config file; else the error says which there are.
func (a *app) pickProfile(ctx context.Context, f *credentialFlags) (string, error) {
	name, err := a.profileName(f)
	if err == nil || len(a.callers()) > 0 { // whom a profile's own command runs for is not there to pick
		return name, err
	}
	var nobody *usageError
	if !errors.As(err, &nobody) {
		return "", err
	}
	config, _, readErr := a.readConfig(nil)
	if readErr != nil || len(config.Profiles()) == 0 || a.env.Prompt.OpenTTY == nil {
		return "", err
	}
	picked, pickErr := prompt.Pick(ctx, a.env.Prompt, prompt.Choice{Text: "AWS profile", Names: a.uses().Order(config.Profiles())})
	if errors.Is(pickErr, prompt.ErrNoTerminal) || errors.Is(pickErr, prompt.ErrTerminalBusy) {
		return "", err
	}
	return picked, pickErr
}

// noteUse remembers a profile that a person used, for the next list. What a program reads
// says nothing of a person.
func (a *app) noteUse(profile string, picked bool) {
	if !a.env.Terminal && !picked {
		return
	}
	if err := a.uses().Note(profile); err != nil {
		a.log.Debug("a use was not noted", "error", err)
	}
}

func (a *app) uses() *store.Uses {
	u := &store.Uses{Now: a.env.Now}
	if state, err := a.state(); err == nil {
		u.Dir = state
	}
	return u
}
