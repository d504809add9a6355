// Package sealed stores items on disk that only its openers can read: passphrases, hardware keys,
// age plugins, recovery words. What the items mean is left to others, and so is asking people.
//
// docs/sealed.md describes the format, so that another program can read a store.
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

// A Store is a directory of sealed items. Its methods may be called from several goroutines,
// and other processes may change the store at any time.
type Store struct {
	files  files
	lock   func(ctx context.Context) (under context.Context, release func(), err error)
	unlock func(ctx context.Context, h *Header) (MasterKey, error)
	touch  func(ctx context.Context, h *Header) (MasterKey, error)
	now    func() time.Time

	unlocking mutex.Mutex // of who unlocks: people are asked one thing at a time

	mu       sync.Mutex
	header   *Header
	key      *MasterKey
	touchKey *MasterKey
}

// Config says where a store is and how its keys are had.
type Config struct {
	Dir string

	// LockPlugins waits until no other process writes to the store. It returns the context for what is
	// done until release is called.
	Lock func(ctx context.Context) (under context.Context, release func(), err error)

	// Unlock gives the master key of the store with that header, and may ask for it. It is called
	// again only after the store got another key.
	Unlock func(ctx context.Context, h *Header) (MasterKey, error)

	// Touch gives the second key, for items that are to be opened with a touch; nil if nothing can.
	Touch func(ctx context.Context, h *Header) (MasterKey, error)

	Now func() time.Time // to tell what a killed process left from what is being written; nil to leave it
}

// Open reads the header of the store in c.Dir and opens no item. It returns [ErrNoStore] where
// there is none, and a *[DamagedError] for one whose header cannot be read.
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

// Header is what the store's header says, as it was last read. Only [Store.Unlock] says whether
// it is true.
func (s *Store) Header() Header {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.header.clone()
}

// Unlock gets the master key and checks the header with it. It returns what Config.Unlock
// returns, or a *[DamagedError] for a header that was written without the key.
func (s *Store) Unlock(ctx context.Context) (MasterKey, error) {
	_, k, err := s.keys(ctx)
	return k, err
}

// keys returns the header and the master key that it belongs to.
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

// cachedTouchKey is the second key, if it was asked for already.
func (s *Store) cachedTouchKey() *MasterKey {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.touchKey
}

// unlockTouchKey returns the second key, which is asked for once in a process.
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
	if s.header.Key == h.Key { // else it is an older one by now
		s.touchKey = &got
	}
	return &got, nil
}

// reread reads the header anew and reports whether the store has got another key since: then
// what was looked for lies elsewhere.
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

// maxRereads bounds how often a reader follows a store that gets one new key after the other.
const maxRereads = 32

// errFileMissing says that a file of items is not where the header says. Nothing else that happens to be
// missing, such as a plugin's program, may pass for an item that is not there.
var errFileMissing = errors.New("the file is gone")

// withKeys calls act with the keys of the store, again if the store got another key meanwhile.
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

// withWriteLock calls act under the lock of writers, with the header as it stands.
func (s *Store) withWriteLock(ctx context.Context, act func(ctx context.Context, h *Header, k MasterKey) error) error {
	// A person may be asked for the key, for minutes: not while others wait for the lock.
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
	return errors.New(s.files.dir.Path() + ": the store got one new key after the other")
}

// tryWrite calls act unless the store has another key than the one that is known.
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

// staleBefore is the time before which a temporary file was written if a process that ended left it. It
// is zero, and no file is older, if the time is not known.
func (s *Store) staleBefore() time.Time {
	if s.now == nil {
		return time.Time{}
	}
	return s.now().Add(-time.Hour)
}
