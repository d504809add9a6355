package app

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"aws-vault/prompt"
	"aws-vault/vault/store"
)

// PickProfile returns name, or lets the user pick a profile if name is empty.
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

// chooseProfile returns the profile to use if none is given. If picks is set and there is a terminal, the user picks one
// of names. Otherwise chooseProfile returns an error that lists the names.
func (a *App) chooseProfile(ctx context.Context, names []string, picks bool) (string, error) {
	err := noProfileNamed(names)
	if !picks || len(names) == 0 || a.Env.Prompt.OpenTTY == nil || len(a.Env.callers()) > 0 { // the command of a profile runs unattended
		return "", err
	}
	picked, pickErr := prompt.Pick(ctx, a.Env.Prompt, prompt.Choice{Text: "AWS profile", Names: profileUses(a).Sort(names)})
	if errors.Is(pickErr, prompt.ErrNoTerminal) || errors.Is(pickErr, prompt.ErrTerminalBusy) {
		return "", err
	}
	return picked, pickErr
}

// noProfileNamed returns the error for a command without a profile. It lists the first 20 profiles.
func noProfileNamed(names []string) error {
	const maxNames = 20
	if len(names) == 0 {
		return &UsageError{"no profile given, and the config file has no profiles"}
	}
	more := ""
	if len(names) > maxNames {
		more = fmt.Sprintf(" and %d more", len(names)-maxNames)
		names = names[:maxNames]
	}
	return &UsageError{"no profile given, expected one of " + strings.Join(names, ", ") + more}
}

// noteUse records that the user used a profile, so that the picker lists recently used profiles first. A use
// by a program does not count, so it is not recorded if stdout is not a terminal.
func (a *App) noteUse(profile string, picked bool) {
	if !a.Env.StdoutTerminal && !picked {
		return
	}
	if err := profileUses(a).Record(profile); err != nil {
		a.Log.Debug("the use of the profile was not recorded", "error", err)
	}
}

func profileUses(a *App) *store.ProfileHistory {
	u := &store.ProfileHistory{Now: a.Env.Now}
	if state, err := a.State(); err == nil {
		u.Dir = state
	}
	return u
}
