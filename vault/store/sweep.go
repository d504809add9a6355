package store

import (
	"context"
	"time"
)

const (
	sweepEvery = 24 * time.Hour
	sweepAfter = time.Hour // a sweep deletes a session or token that expired longer ago than this
)

// Sweep deletes sessions and tokens that expired more than sweepAfter ago, and unused lock files. It does so at
// most once a day. It opens no item that could need a touch or a prompt. It ignores errors, because expired
// sessions are never returned, even if they are not deleted.
func (s *Sessions) Sweep(ctx context.Context) {
	now := s.Now()
	if s.Index.isSwept(now) {
		return
	}
	// If another process is sweeping, do not wait for that process, because one sweep is enough.
	lock, err := s.Locks.tryAcquire("sweep")
	if err != nil || lock == nil {
		return
	}
	defer lock.Close()
	if s.Index.isSwept(now) {
		return // another process has swept since the check above
	}
	if s.Index.Dir.Touch(sweptFile, now) == nil {
		s.sweep(ctx, now)
		s.Locks.sweep(now)
	}
}

func (s *Sessions) sweep(ctx context.Context, now time.Time) {
	names, err := s.listRing().Names(ctx)
	if err != nil {
		return
	}
	expired := func(e Entry) bool { return now.Sub(e.Expires) > sweepAfter }
	entries, kept := s.Index.Entries(), map[string]bool{}
	for _, name := range names {
		e, ok := entries[name]
		if !ok || !expired(e) {
			continue // without an index entry, the item's expiry is unknown until a list command opens the item
		}
		// If another process renews the item between the check and the removal, the new item is lost.
		if s.isOutdated(ctx, e, now, expired) && s.listRing().Remove(ctx, name) != nil {
			kept[name] = true
		}
	}
	s.Index.retain(ctx, func(e Entry) bool { return !expired(e) || kept[e.Name] })
}

// isOutdated reports whether an item whose index entry has expired has really expired. The entry can be older than
// the item: a process that wrote the item may have been killed before it updated the index, or may use another
// state folder. So the item must still have the stamp that is in the entry. A keystore without stamps has no items
// that need a touch, so isOutdated opens the item.
func (s *Sessions) isOutdated(ctx context.Context, e Entry, now time.Time, expired func(Entry) bool) bool {
	stamp, err := s.listRing().Stamp(ctx, e.Name)
	switch {
	case err != nil || e.Type == otherType:
		return false
	case stamp == "":
		item, _, err := readEntry(ctx, s.listRing(), e.Name, now)
		return err == nil && item.Name != "" && expired(item)
	case e.Stamp == "": // an earlier version stored no stamps; a session deleted by mistake is only created again
		return e.Type == ""
	}
	return e.Stamp == stamp
}

// sweptFile is the name of an empty file next to the index. Its modification time is the time of the last sweep.
const sweptFile = "swept-" + indexFile

// isSwept reports whether the last sweep was less than a day ago. It returns false if the time of the last sweep
// is in the future, because the clock was wrong at that sweep.
func (x *Index) isSwept(now time.Time) bool {
	info, err := x.Dir.Stat(sweptFile)
	if err != nil {
		return false
	}
	age := now.Sub(info.ModTime())
	return age >= 0 && age < sweepEvery
}
