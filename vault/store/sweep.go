package store

import (
	"context"
	"time"
)

const (
	sweepEvery = 24 * time.Hour
	sweepAfter = time.Hour // past its expiry, a session is of no use to anybody
)

// Sweep deletes sessions and tokens that are long expired, and the files of locks that nobody uses
// any more, at most once a day. What goes wrong is
// left for the next time: an expired session is never handed out.
func (s *Sessions) Sweep(ctx context.Context) {
	now := s.Now()
	if s.Index.isSwept(now) {
		return
	}
	// SignedInAs finds another process sweeping has better things to do than to wait: it may itself
	// hold the lock of a session that is being made.
	lock, err := s.Locks.tryAcquire("sweep")
	if err != nil || lock == nil {
		return
	}
	defer lock.Close()
	if s.Index.isSwept(now) {
		return // by another process meanwhile
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
	known := s.Index.Entries()
	for _, name := range names {
		if e, ok := known[name]; ok && !expired(e) {
			continue
		}
		// The index is a hint, so the item has the last word. Were it renewed in this very moment,
		// the session would be made once more.
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

// sweptFile is beside the index. It was written when sessions were last swept.
const sweptFile = "swept-" + indexFile

// isSwept reports whether sessions were swept in the last day. A time in the future was left
// by a clock that was wrong.
func (x *Index) isSwept(now time.Time) bool {
	info, err := x.Dir.Stat(sweptFile)
	if err != nil {
		return false
	}
	age := now.Sub(info.ModTime())
	return age >= 0 && age < sweepEvery
}
