package keystore

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// A backend is one kind of keystore. The function open returns an *UnavailableError if the keystore is not
// available on this system. It returns a different error if the keystore is available but is locked, does not
// respond or refuses access.
type backend struct {
	name       string
	onlyByName bool // whether the keystore is used only if the configuration names it
	open       func(context.Context, Config) (*Keystore, error)
}

// Backends returns the names of the keystores that this build supports, in order of preference.
func Backends() []string {
	all := backends(Config{})
	names := make([]string, len(all))
	for i, b := range all {
		names[i] = b.name
	}
	return names
}

// Open opens the keystore that c.Backend names. If c.Backend is empty, Open skips the keystores that are not
// available on this system and opens the first available one. Open does not skip a keystore that is locked, does
// not respond or refuses access, because the keys may be in that keystore. In this case, Open returns the
// keystore's error. If no keystore is available, the error is a *NoKeystoreError.
func Open(ctx context.Context, c Config) (*Keystore, error) {
	if c.Backend != "" {
		return openNamed(ctx, c)
	}
	var skipped []SkippedBackend
	for _, b := range backends(c) {
		if b.onlyByName {
			continue
		}
		k, err := b.open(ctx, c)
		var unavailable *UnavailableError
		switch {
		case err == nil:
			k.Skipped = skipped
			return k, nil
		case !errors.As(err, &unavailable):
			return nil, err
		}
		c.debug("keystore skipped", "backend", b.name, "reason", unavailable.Reason)
		skipped = append(skipped, SkippedBackend{Backend: b.name, Err: err})
	}
	return nil, &NoKeystoreError{Skipped: skipped}
}

func openNamed(ctx context.Context, c Config) (*Keystore, error) {
	for _, b := range backends(c) {
		if b.name == c.Backend {
			return b.open(ctx, c)
		}
	}
	return nil, &UnavailableError{
		Backend: c.Backend,
		Reason:  fmt.Sprintf("this build supports %s", strings.Join(Backends(), ", ")),
	}
}

// A SurveyResult describes one keystore that this build supports.
type SurveyResult struct {
	Backend    string
	OnlyByName bool  // whether the keystore is used only if the configuration names it
	Err        error // why the keystore cannot be used; an *UnavailableError if Open skips the keystore
	Chosen     bool  // whether Open uses this keystore with the given configuration
}

// Survey reports which keystores can be used, in order of preference. It lists no items, unlocks no keystore and
// never prompts. A keystore without an error can therefore still be locked.
func Survey(ctx context.Context, c Config) []SurveyResult {
	var all []SurveyResult
	open := c.Backend == "" // whether Open would use the next available keystore
	for _, b := range backends(c) {
		s := SurveyResult{Backend: b.name, OnlyByName: b.onlyByName, Chosen: b.name == c.Backend}
		_, s.Err = b.open(ctx, c)
		var unavailable *UnavailableError
		if open && !b.onlyByName && !errors.As(s.Err, &unavailable) {
			s.Chosen, open = true, false
		}
		all = append(all, s)
	}
	return all
}
