package app

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"aws-vault/prompt"
	"aws-vault/vault/store"
)

// PickProfile returns its argument, the name of a profile. If the argument is empty, the user picks a profile.
func (a *App) PickProfile(ctx context.Context, name string) (string, error) {
	if name != "" {
		return name, nil
	}
	config, _, err := a.ReadConfig(nil)
	if err != nil {
		return "", err
	}
	return a.chooseProfile(ctx, config.Profiles(), true)
}

// chooseProfile returns the profile to use if the command line names none. If picks is true and there is a terminal,
// the user picks one of the profiles in names. Otherwise chooseProfile returns an error that lists names.
func (a *App) chooseProfile(ctx context.Context, names []string, picks bool) (string, error) {
	err := noProfileNamed(names)
	if !picks || len(names) == 0 || a.Env.Prompt.OpenTTY == nil || len(a.Env.callers()) > 0 { // if a profile's command started this process, no user waits for a prompt
		return "", err
	}
	picked, pickErr := prompt.Pick(ctx, a.Env.Prompt, prompt.Choice{Text: "AWS profile", Names: profileUses(a).Sort(names)})
	if errors.Is(pickErr, prompt.ErrNoTerminal) || errors.Is(pickErr, prompt.ErrTerminalBusy) {
		return "", err
	}
	return picked, pickErr
}

// noProfileNamed returns the error for a command line without a profile. The error lists up to 20 profiles.
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

// noteUse records that the user used a profile, because the picker lists recently used profiles first. If stdout
// is not a terminal, a program probably started this command. noteUse then records the profile only if the user
// picked it from the list.
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
