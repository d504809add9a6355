package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"aws-vault/vault/keystore"
)

// List returns the sessions that the keystore holds and that have not expired, the
// earliest expiry first. It lists the keystore once and opens nothing but what the
// index does not know, which it then learns. Damaged items are warnings; the error is
// the keystore's.
func (s *Sessions) List(ctx context.Context) ([]Entry, []error, error) {
	all, warnings, err := s.survey(ctx)
	if err != nil {
		return nil, warnings, err
	}
	now := s.Now()
	live := slices.DeleteFunc(all, func(e Entry) bool { return !e.Expires.After(now) })
	slices.SortFunc(live, func(a, b Entry) int {
		if c := a.Expires.Compare(b.Expires); c != 0 {
			return c
		}
		return strings.Compare(a.Name, b.Name)
	})
	return live, warnings, nil
}

// Remove deletes the sessions that match, expired ones too, and returns how many had not
// expired. What else lies in the keystore, damaged items among it, stays: it may be no
// session. If the keystore fails half-way, the count is of those that are gone.
func (s *Sessions) Remove(ctx context.Context, match func(Entry) bool) (int, []error, error) {
	all, warnings, err := s.survey(ctx)
	if err != nil {
		return 0, warnings, err
	}
	now, live := s.Now(), 0
	var gone []Entry
	for _, e := range all {
		if !match(e) {
			continue
		}
		err = s.Ring.Remove(ctx, e.Name)
		if err != nil && !errors.Is(err, keystore.ErrNotFound) {
			break
		}
		if err == nil && e.Expires.After(now) {
			live++
		}
		err = nil
		gone = append(gone, Entry{Name: e.Name})
	}
	if gone != nil {
		warnings = append(warnings, s.note(ctx, gone)...)
	}
	return live, warnings, err
}

// survey returns what the index or else the item tells of each session in the keystore.
func (s *Sessions) survey(ctx context.Context) ([]Entry, []error, error) {
	names, err := s.Ring.Names(ctx)
	if err != nil {
		return nil, nil, err
	}
	known := s.Index.Entries()
	var all, learnt []Entry
	var warnings []error
	for _, name := range names {
		if e, ok := known[name]; ok {
			all = append(all, e)
			continue
		}
		k, damage, err := s.read(ctx, name)
		if err != nil {
			return nil, warnings, err
		}
		warnings = append(warnings, slices.DeleteFunc(damage, isOther)...)
		if k.Credentials.AccessKeyID != "" {
			learnt = append(learnt, k.entry(name))
		}
	}
	if learnt != nil {
		warnings = append(warnings, s.note(ctx, learnt)...)
	}
	return append(all, learnt...), warnings, nil
}

// isOther reports whether an item was called damaged only because it is no session.
func isOther(err error) bool {
	var damaged *DamagedError
	return errors.As(err, &damaged) && damaged.other
}

func (s *Sessions) note(ctx context.Context, entries []Entry) []error {
	if err := s.Index.add(ctx, entries...); err != nil {
		return []error{fmt.Errorf("the list of sessions could not be written: %w", err)}
	}
	return nil
}
