// Package sealed stores encrypted items on disk in a store. Openers can unlock the store: passphrases, security
// keys, age plugins and recovery words. Other packages decide what the items mean, and show the prompts.
//
// docs/sealed.md describes the format, so that other programs can read a store.
package sealed

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"aws-vault/vault/disk"
	"aws-vault/vault/mutex"
)

// A Store is a directory of encrypted items. Its methods are safe for use by several goroutines. Other
// processes may change the store at any time.
type Store struct {
	files  files
	lock   func(ctx context.Context) (under context.Context, release func(), err error)
	unlock func(ctx context.Context, h *Header) (MasterKey, error)
	touch  func(ctx context.Context, h *Header) (MasterKey, error)
	now    func() time.Time

	unlocking mutex.Mutex // held during an unlock, so that prompts do not overlap

	mu       sync.Mutex
	header   *Header
	key      *MasterKey
	touchKey *MasterKey
}

// Config sets the directory of a store and the callbacks that return its keys.
type Config struct {
	Dir string

	// Lock acquires the lock that excludes other writers of the store. The store then works with the returned
	// context, and calls release at the end.
	Lock func(ctx context.Context) (under context.Context, release func(), err error)

	// Unlock returns the master key of the store with header h. It may prompt the user. The store calls Unlock
	// once, and again only if the master key was replaced.
	Unlock func(ctx context.Context, h *Header) (MasterKey, error)

	// Touch returns the touch key, which opens the items that need a touch. If there is no way to get the touch
	// key, Touch is nil.
	Touch func(ctx context.Context, h *Header) (MasterKey, error)

	// Now returns the time. The store uses the time to find old temporary files of killed processes, and removes
	// these files. If Now is nil, the store never removes temporary files.
	Now func() time.Time
}

// Open reads the header of the store in c.Dir. It opens no item. It returns [ErrNoStore] if there is no store,
// and a *[DamagedError] if the header cannot be read.
func Open(c Config) (*Store, error) {
	s := newStore(c)
	h, err := readHeader(s.files.dir)
	if err != nil {
		return nil, err
	}
	s.header = h
	return s, nil
}

func newStore(c Config) *Store {
	return &Store{
		files: files{dir: disk.NewFolder(c.Dir), disk: realDisk},
		lock:  c.Lock, unlock: c.Unlock, touch: c.Touch, now: c.Now, unlocking: mutex.New(),
	}
}

// Header returns the header as it was last read. Before [Store.Unlock], the header is not authenticated.
func (s *Store) Header() Header {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.header.clone()
}

// Unlock returns the master key and authenticates the header with it. It returns the errors of Config.Unlock,
// and a *[DamagedError] if the header was not written with this key.
func (s *Store) Unlock(ctx context.Context) (MasterKey, error) {
	_, k, err := s.keys(ctx)
	return k, err
}

// keys returns the header and its master key. It unlocks the store if necessary.
func (s *Store) keys(ctx context.Context) (*Header, MasterKey, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, MasterKey{}, err
	}
	if h, k := s.cachedKeys(); k != nil {
		return h, *k, nil
	}
	release, err := s.unlocking.Lock(ctx)
	if err != nil {
		return nil, MasterKey{}, err
	}
	defer release()
	h, k := s.cachedKeys()
	if k != nil {
		return h, *k, nil
	}
	got, err := s.unlock(ctx, h)
	if err == nil {
		err = h.authenticate(s.files.dir.Path(), got)
	}
	if err != nil {
		return nil, MasterKey{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.header, s.key = h, &got
	return h, got, nil
}

func (s *Store) cachedKeys() (*Header, *MasterKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.header, s.key
}

// cachedTouchKey returns the touch key, or nil if the touch key has not been unlocked yet.
func (s *Store) cachedTouchKey() *MasterKey {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.touchKey
}

// unlockTouchKey returns the touch key. It calls Config.Touch only if the touch key is not cached.
func (s *Store) unlockTouchKey(ctx context.Context, h *Header) (*MasterKey, error) {
	release, err := s.unlocking.Lock(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	k := s.cachedTouchKey()
	switch {
	case k != nil && len(h.Touch) > 0:
		return k, nil
	case len(h.Touch) == 0 || s.touch == nil:
		return nil, fmt.Errorf("%s: %w", s.files.dir.Path(), ErrNoHardwareOpener)
	}
	got, err := s.touch(ctx, h)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.header.Key == h.Key { // if the IDs differ, the keys were replaced in the meantime, and this key is outdated
		s.touchKey = &got
	}
	return &got, nil
}

// reread reads the header again. It reports whether the master key was replaced. In that case, all items are now
// in another directory.
func (s *Store) reread() (bool, error) {
	h, err := readHeader(s.files.dir)
	if err != nil {
		return false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if h.Key != s.header.Key {
		s.header, s.key, s.touchKey = h, nil, nil
		return true, nil
	}
	if s.key == nil {
		return false, nil
	}
	if err := h.authenticate(s.files.dir.Path(), *s.key); err != nil {
		return false, err
	}
	s.header = h
	return false, nil
}

// maxRereads limits how often an operation starts again because the master key was replaced.
const maxRereads = 32

// errFileMissing reports that an item's file does not exist. It differs from fs.ErrNotExist, which can have other
// causes, for example an age plugin whose program is missing.
var errFileMissing = errors.New("the file does not exist")

// withKeys calls act with the header and the master key. If a file is missing because the master key was replaced,
// withKeys calls act again with the new header and the new master key.
func (s *Store) withKeys(ctx context.Context, act func(h *Header, k MasterKey) error) error {
	for range maxRereads {
		h, k, err := s.keys(ctx)
		if err != nil {
			return err
		}
		err = act(h, k)
		if !errors.Is(err, errFileMissing) {
			return err
		}
		changed, readErr := s.reread()
		if readErr != nil {
			return readErr
		}
		if !changed {
			return ErrNoItem
		}
	}
	return ErrNoItem
}

// withWriteLock calls act with the current header and master key while it holds the store's write lock.
func (s *Store) withWriteLock(ctx context.Context, act func(ctx context.Context, h *Header, k MasterKey) error) error {
	// Unlock the store first. A prompt can take minutes, and other processes must not wait for the prompt.
	if _, _, err := s.keys(ctx); err != nil {
		return err
	}
	for range maxRereads {
		done, err := s.tryWrite(ctx, act)
		if done || err != nil {
			return err
		}
		if _, _, err := s.keys(ctx); err != nil {
			return err
		}
	}
	return errors.New(s.files.dir.Path() + ": the master key was replaced too often during the operation")
}

// tryWrite acquires the write lock and calls act. If the master key was replaced, it returns false and does not
// call act.
func (s *Store) tryWrite(ctx context.Context, act func(ctx context.Context, h *Header, k MasterKey) error) (bool, error) {
	ctx, release, err := s.lock(ctx)
	if err != nil {
		return false, err
	}
	defer release()
	changed, err := s.reread()
	if changed || err != nil {
		return false, err
	}
	h, k := s.cachedKeys()
	if k == nil {
		return false, nil
	}
	s.files.cleanUp(h, s.staleBefore())
	return true, act(ctx, h, *k)
}

// staleBefore returns the time before which temporary files count as leftovers of killed processes. If the store
// has no clock, staleBefore returns the zero time, so that no file is removed.
func (s *Store) staleBefore() time.Time {
	if s.now == nil {
		return time.Time{}
	}
	return s.now().Add(-time.Hour)
}
