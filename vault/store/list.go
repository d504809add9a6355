package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"aws-vault/vault/keystore"
)

// List returns the sessions that the keystore holds and that have not expired, the
// earliest expiry first. It lists the keystore once and opens nothing but what the
// index does not know, which it then learns. Damaged items are warnings; the error is
// the keystore's.
func (s *Sessions) List(ctx context.Context) ([]Entry, []error, error) {
	return list(ctx, s.listRing(), s.Index, "", s.Now())
}

func list(ctx context.Context, ring Ring, x *Index, kind string, now time.Time) ([]Entry, []error, error) {
	all, warnings, err := readEntries(ctx, ring, x, now)
	if err != nil {
		return nil, warnings, err
	}
	return filterUnexpired(all, kind, now), warnings, nil
}

// filterUnexpired are the entries of a kind that have not expired, the earliest expiry first.
func filterUnexpired(all []Entry, kind string, now time.Time) []Entry {
	live := slices.DeleteFunc(slices.Clone(all), func(e Entry) bool { return e.Type != kind || !e.Expires.After(now) })
	slices.SortFunc(live, func(a, b Entry) int {
		if c := a.Expires.Compare(b.Expires); c != 0 {
			return c
		}
		return strings.Compare(a.Name, b.Name)
	})
	return live
}

// Cached is what a keystore holds that is no key.
type Cached struct{ Sessions, Tokens []Entry }

// Cached returns what [Sessions.List] and [Tokens.List] return, with one listing of the
// keystore for both.
func (s *Sessions) ListCached(ctx context.Context) (Cached, []error, error) {
	all, warnings, err := readEntries(ctx, s.listRing(), s.Index, s.Now())
	if err != nil {
		return Cached{}, warnings, err
	}
	return groupByType(all, s.Now()), warnings, nil
}

func groupByType(all []Entry, now time.Time) Cached {
	return Cached{Sessions: filterUnexpired(all, "", now), Tokens: filterUnexpired(all, tokenType, now)}
}

// Remove deletes the sessions that match, expired ones too, and returns how many had not
// expired. What else lies in the keystore, damaged items among it, stays: it may be no
// session. If the keystore fails half-way, the count is of those that are gone.
func (s *Sessions) Remove(ctx context.Context, match func(Entry) bool) (int, []error, error) {
	gone, warnings, err := remove(ctx, s.listRing(), s.Index, s.Now(), map[string]func(Entry) bool{"": match})
	return len(gone.Sessions), warnings, err
}

// RemoveCached is Remove for sessions and tokens, with one listing of the keystore for both.
// It returns those that are gone and had not expired.
func (s *Sessions) RemoveCached(ctx context.Context, session, token func(Entry) bool) (Cached, []error, error) {
	return remove(ctx, s.listRing(), s.Index, s.Now(), map[string]func(Entry) bool{"": session, tokenType: token})
}

// remove deletes what the function of its type matches.
func remove(ctx context.Context, ring Ring, x *Index, now time.Time, matches map[string]func(Entry) bool) (Cached, []error, error) {
	all, warnings, err := readEntries(ctx, ring, x, now)
	if err != nil {
		return Cached{}, warnings, err
	}
	var found, gone []Entry
	for _, e := range all {
		if match, ok := matches[e.Type]; !ok || !match(e) {
			continue
		}
		err = ring.Remove(ctx, e.Name)
		if err != nil && !errors.Is(err, keystore.ErrNotFound) {
			break
		}
		if err == nil {
			found = append(found, e)
		}
		err = nil
		gone = append(gone, Entry{Name: e.Name})
	}
	if gone != nil {
		warnings = append(warnings, x.addOrWarn(ctx, gone)...)
	}
	return groupByType(found, now), warnings, err
}

// readEntries returns what the index or else the item tells of each item in the keystore.
func readEntries(ctx context.Context, ring Ring, x *Index, now time.Time) ([]Entry, []error, error) {
	names, err := ring.Names(ctx)
	if err != nil {
		return nil, nil, err
	}
	known := x.Entries()
	var all, learnt []Entry
	var warnings []error
	for _, name := range names {
		if e, ok := known[name]; ok {
			all = append(all, e)
			continue
		}
		e, damage, err := readEntry(ctx, ring, name, now)
		if err != nil {
			return nil, warnings, err
		}
		warnings = append(warnings, damage...)
		if e.Name != "" {
			learnt = append(learnt, e)
		}
	}
	if learnt != nil {
		warnings = append(warnings, x.addOrWarn(ctx, learnt)...)
	}
	return append(all, learnt...), warnings, nil
}

// otherType is the type of an item that is whole, and neither a session nor a token. The index
// knows of it, so that it is not opened for each list, and forgets it after otherLifetime, for
// nobody tells it when such an item is removed.
const (
	otherType     = "other"
	otherLifetime = 30 * 24 * time.Hour
)

// readEntry reads an item and returns what the index is to know of it: nothing, if it is
// damaged, which is a warning.
func readEntry(ctx context.Context, ring Ring, name string, now time.Time) (Entry, []error, error) {
	data, warnings, err := readItem(ctx, ring, name)
	if data == nil {
		return Entry{}, warnings, err
	}
	session, err := decodeSession(name, data)
	if err == nil {
		return session.entry(name), nil, nil
	}
	if isOtherType(err) {
		var token Token
		if token, err = decodeToken(name, data); err == nil {
			return token.entry(name, time.Time{}), nil, nil
		}
	}
	if isOtherType(err) {
		return Entry{Type: otherType, Name: name, Created: now, Expires: now.Add(otherLifetime)}, nil, nil
	}
	return Entry{}, []error{err}, nil
}

// isOtherType reports whether an item was called damaged only because it is something else.
func isOtherType(err error) bool {
	var damaged *DamagedError
	return errors.As(err, &damaged) && damaged.isOther
}

func (x *Index) addOrWarn(ctx context.Context, entries []Entry) []error {
	if err := x.add(ctx, entries...); err != nil {
		return []error{fmt.Errorf("the list of sessions could not be written: %w", err)}
	}
	return nil
}
