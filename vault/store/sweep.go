package store

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"aws-vault/vault/disk"
)

const (
	sweepEvery = 24 * time.Hour
	sweepAfter = time.Hour // past its expiry, a session is of no use to anybody
)

// Sweep deletes sessions and tokens that are long expired, and the files of locks that nobody uses
// any more, at most once a day. What goes wrong is
// left for the next time: an expired session is never handed out.
func (s *Sessions) Sweep(ctx context.Context) {
	marker, now := s.marker(), s.Now()
	if isRecent(marker, now) {
		return
	}
	// Who finds another process sweeping has better things to do than to wait: it may itself
	// hold the lock of a session that is being made.
	lock, err := s.Locks.try(filepath.Join(s.Locks.Dir, "sweep"))
	if err != nil || lock == nil {
		return
	}
	defer lock.Close()
	if isRecent(marker, now) {
		return // by another process meanwhile
	}
	if touch(marker, now) == nil {
		s.sweep(ctx, now)
		s.Locks.sweep(now)
	}
}

func (s *Sessions) sweep(ctx context.Context, now time.Time) {
	names, err := s.Ring.Names(ctx)
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
		e, _, err := describe(ctx, s.Ring, name, now)
		if err != nil {
			return
		}
		if e.Name != "" && expired(e) {
			s.Ring.Remove(ctx, name)
		}
	}
	s.Index.retain(ctx, func(e Entry) bool { return !expired(e) })
}

func (s *Sessions) marker() string {
	return filepath.Join(filepath.Dir(s.Index.Path), "swept-"+filepath.Base(s.Index.Path))
}

// isRecent reports whether the marker is less than a day old. One from the future was left
// by a clock that was wrong.
func isRecent(marker string, now time.Time) bool {
	info, err := os.Stat(marker)
	if err != nil {
		return false
	}
	age := now.Sub(info.ModTime())
	return age >= 0 && age < sweepEvery
}

func touch(path string, at time.Time) error {
	if err := disk.MkdirPrivate(filepath.Dir(path)); err != nil {
		return err
	}
	if err := disk.Replace(path, nil, 0o600); err != nil {
		return err
	}
	return os.Chtimes(path, at, at)
}
