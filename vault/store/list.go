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

// List returns the unexpired sessions in the keystore, sorted by expiry time with the earliest first. It lists
// the keystore once. It opens only items that have no index entry, and adds entries for them. It returns a warning
// for each damaged item. The error is an error of the keystore.
func (s *Sessions) List(ctx context.Context) ([]Entry, []error, error) {
	return list(ctx, s.listRing(), s.Index, "", s.Now())
}

func list(ctx context.Context, ring StampedRing, x *Index, kind string, now time.Time) ([]Entry, []error, error) {
	all, warnings, err := readEntries(ctx, ring, x, now)
	if err != nil {
		return nil, warnings, err
	}
	return filterUnexpired(all, kind, now), warnings, nil
}

// filterUnexpired returns the unexpired entries of the type kind, sorted by expiry time with the earliest first.
func filterUnexpired(all []Entry, kind string, now time.Time) []Entry {
	unexpired := slices.DeleteFunc(slices.Clone(all), func(e Entry) bool { return e.Type != kind || !e.Expires.After(now) })
	slices.SortFunc(unexpired, func(a, b Entry) int {
		if c := a.Expires.Compare(b.Expires); c != 0 {
			return c
		}
		return strings.Compare(a.Name, b.Name)
	})
	return unexpired
}

// Cached lists the cached sessions and tokens in a keystore.
type Cached struct {
	Sessions, Tokens []Entry
	Others           []string // names of the other items, such as rotation journals; only ListCached sets it
}

// ListCached returns the results of both [Sessions.List] and [Tokens.List], but lists the keystore only once.
func (s *Sessions) ListCached(ctx context.Context) (Cached, []error, error) {
	all, warnings, err := readEntries(ctx, s.listRing(), s.Index, s.Now())
	if err != nil {
		return Cached{}, warnings, err
	}
	cached := groupByType(all, s.Now())
	for _, e := range all {
		if e.Type == otherType {
			cached.Others = append(cached.Others, e.Name)
		}
	}
	return cached, warnings, nil
}

func groupByType(all []Entry, now time.Time) Cached {
	return Cached{Sessions: filterUnexpired(all, "", now), Tokens: filterUnexpired(all, tokenType, now)}
}

// Remove deletes the matching sessions, including expired sessions. It returns how many of the deleted sessions
// had not expired. It never deletes damaged or unknown items, because they might not be sessions. If the keystore
// fails midway, Remove returns the number of sessions deleted so far.
func (s *Sessions) Remove(ctx context.Context, match func(Entry) bool) (int, []error, error) {
	deleted, warnings, err := remove(ctx, s.listRing(), s.Index, s.Now(), map[string]func(Entry) bool{"": match})
	return len(deleted.Sessions), warnings, err
}

// RemoveCached deletes each session for which the function session returns true, and each token for which the
// function token returns true. It lists the keystore only once. It returns the deleted entries that had not
// expired.
func (s *Sessions) RemoveCached(ctx context.Context, session, token func(Entry) bool) (Cached, []error, error) {
	return remove(ctx, s.listRing(), s.Index, s.Now(), map[string]func(Entry) bool{"": session, tokenType: token})
}

// remove deletes each session or token for which the match function of its type returns true.
func remove(ctx context.Context, ring StampedRing, x *Index, now time.Time, matches map[string]func(Entry) bool) (Cached, []error, error) {
	all, warnings, err := readEntries(ctx, ring, x, now)
	if err != nil {
		return Cached{}, warnings, err
	}
	var found, deleted []Entry
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
		deleted = append(deleted, Entry{Name: e.Name})
	}
	if deleted != nil {
		warnings = append(warnings, x.addOrWarn(ctx, deleted)...)
	}
	return groupByType(found, now), warnings, err
}

// readEntries returns an entry for each valid item in the keystore, and a warning for each damaged item that it opens.
// It opens only items that have no index entry.
func readEntries(ctx context.Context, ring StampedRing, x *Index, now time.Time) ([]Entry, []error, error) {
	names, err := ring.Names(ctx)
	if err != nil {
		return nil, nil, err
	}
	known := x.Entries()
	var all, added []Entry
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
			added = append(added, e)
		}
	}
	if added != nil {
		warnings = append(warnings, x.addOrWarn(ctx, added)...)
	}
	return append(all, added...), warnings, nil
}

// otherType is the type of a valid item that is neither a session nor a token. The index has an entry for the
// item, so that the item is opened only once. The index is not updated when the item is removed, so the entry
// expires after otherLifetime.
const (
	otherType     = "other"
	otherLifetime = 30 * 24 * time.Hour
)

// readEntry opens an item and returns its index entry. For a damaged item it returns an empty entry and a
// warning. It reads the stamp first: if another process then writes the item, the entry has the old stamp.
func readEntry(ctx context.Context, ring StampedRing, name string, now time.Time) (Entry, []error, error) {
	stamp, err := ring.Stamp(ctx, name)
	if err != nil && !errors.Is(err, keystore.ErrNotFound) {
		return Entry{}, nil, err
	}
	data, warnings, err := readItem(ctx, ring, name)
	if data == nil {
		return Entry{}, warnings, err
	}
	session, err := decodeSession(name, data)
	if err == nil {
		e := session.entry(name)
		e.Stamp = stamp
		return e, nil, nil
	}
	if isOtherType(err) {
		var token Token
		if token, err = decodeToken(name, data); err == nil {
			e := token.entry(name, time.Time{})
			e.Stamp = stamp
			return e, nil, nil
		}
	}
	if isOtherType(err) {
		return Entry{Type: otherType, Name: name, Created: now, Expires: now.Add(otherLifetime)}, nil, nil
	}
	return Entry{}, []error{err}, nil
}

// isOtherType reports whether err is a [*DamagedError] for a valid item that has another type.
func isOtherType(err error) bool {
	var damaged *DamagedError
	return errors.As(err, &damaged) && damaged.isOther
}

func (x *Index) addOrWarn(ctx context.Context, entries []Entry) []error {
	if err := x.add(ctx, entries...); err != nil {
		return []error{fmt.Errorf("could not update the list of sessions: %w", err)}
	}
	return nil
}
