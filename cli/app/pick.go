package app

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"aws-vault/prompt"
	"aws-vault/vault/store"
)

// PickProfile returns the profile of that name, or, if the name is empty, the one that the user picks.
func (a *App) PickProfile(ctx context.Context, name string) (string, error) {
	if name != "" {
		return name, nil
	}
	config, _, err := a.Env.ReadConfig(nil)
	if err != nil {
		return "", err
	}
	return a.chooseProfile(ctx, config.Profiles(), true)
}

// chooseProfile returns the profile to use where none was named. If picks is set and there is a person at a
// terminal, they are offered these; else the error says which there are.
func (a *App) chooseProfile(ctx context.Context, names []string, picks bool) (string, error) {
	err := noProfileNamed(names)
	if !picks || len(names) == 0 || a.Env.Prompt.OpenTTY == nil || len(a.Env.callers()) > 0 { // a profile's own command runs unattended
		return "", err
	}
	picked, pickErr := prompt.Pick(ctx, a.Env.Prompt, prompt.Choice{Text: "AWS profile", Names: profileUses(a).Sort(names)})
	if errors.Is(pickErr, prompt.ErrNoTerminal) || errors.Is(pickErr, prompt.ErrTerminalBusy) {
		return "", err
	}
	return picked, pickErr
}

// noProfileNamed is the error that says which profiles there are.
func noProfileNamed(names []string) error {
	const maxNames = 20
	if len(names) == 0 {
		return &UsageError{"no profile was named, and the config file has none"}
	}
	more := ""
	if len(names) > maxNames {
		more = fmt.Sprintf(" and %d more", len(names)-maxNames)
		names = names[:maxNames]
	}
	return &UsageError{"no profile was named; there are " + strings.Join(names, ", ") + more}
}

// noteUse remembers a profile that a person used, for the next list. What a program reads
// says nothing of a person.
func (a *App) noteUse(profile string, picked bool) {
	if !a.Env.StdoutTerminal && !picked {
		return
	}
	if err := profileUses(a).Record(profile); err != nil {
		a.Log.Debug("a use was not noted", "error", err)
	}
}

func profileUses(a *App) *store.ProfileHistory {
	u := &store.ProfileHistory{Now: a.Env.Now}
	if state, err := a.State(); err == nil {
		u.Dir = state
	}
	return u
}
