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
// most once a day. It ignores errors, because expired sessions are never returned, even if they are not deleted.
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
	entries := s.Index.Entries()
	for _, name := range names {
		if e, ok := entries[name]; ok && !expired(e) {
			continue
		}
		// The index is only a hint, so the item itself is read before it is removed. If another process renews the
		// session between the read and the removal, the new session is lost and has to be created once more.
		e, _, err := readEntry(ctx, s.listRing(), name, now)
		if err != nil {
			return
		}
		if e.Name != "" && expired(e) {
			s.listRing().Remove(ctx, name)
		}
	}
	s.Index.retain(ctx, func(e Entry) bool { return !expired(e) })
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
