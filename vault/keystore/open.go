package keystore

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// backend is one kind of keystore. open touches nothing that the keystore itself does not need,
// and returns an *UnavailableError if it cannot exist here; what is there but locked, slow or
// refusing is any other error.
type backend struct {
	name       string
	onlyByName bool // never taken unless it is asked for
	open       func(context.Context, Config) (*Keystore, error)
}

// Backends returns the names of the keystores that this build knows, the ones to be preferred first.
func Backends() []string {
	all := backends(Config{})
	names := make([]string, len(all))
	for i, b := range all {
		names[i] = b.name
	}
	return names
}

// Open opens the keystore that c names, or else the first that can exist here. One that cannot
// is passed over; one that is locked, times out or refuses is an error, because the keys may be in
// it. If none can exist the error is a *NoKeystoreError.
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
		c.debug("keystore passed over", "backend", b.name, "reason", unavailable.Reason)
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
		Reason:  fmt.Sprintf("this build knows %s", strings.Join(Backends(), ", ")),
	}
}

// SurveyResult is one keystore that this build knows.
type SurveyResult struct {
	Backend    string
	OnlyByName bool  // never taken unless it is asked for
	Err        error // why it cannot be used; an *UnavailableError if it cannot exist here
	Chosen     bool  // Open takes it, with this configuration
}

// Survey looks which keystores can be used, in their order of preference. Nothing is listed,
// unlocked or asked: one that works here may still be locked when it is used.
func Survey(ctx context.Context, c Config) []SurveyResult {
	var all []SurveyResult
	open := c.Backend == "" // for the first that is not passed over
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
