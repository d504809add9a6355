package sealed

import (
	"context"
	"fmt"
)

// Add adds an opener to the store. It authenticates the list of openers first, so that it never encrypts a key
// for an opener that an attacker added. To add a second hardware opener, the user has to touch an existing one.
func (s *Store) Add(ctx context.Context, o NewOpener, ui PluginUI) error {
	if o.Kind != Passphrase {
		if err := o.validate(); err != nil { // check before the first prompt
			return err
		}
	}
	h, _, err := s.keys(ctx)
	if err != nil {
		return err
	}
	if o.Hardware() && len(h.Touch) > 0 {
		if _, err := s.unlockTouchKey(ctx, h); err != nil {
			return err
		}
	}
	return s.withWriteLock(ctx, func(ctx context.Context, h *Header, k MasterKey) error {
		if err := s.files.checkNotCopy(h); err != nil {
			return err
		}
		next := h.clone()
		if err := s.files.addOpener(&next, o); err != nil {
			return err
		}
		if !o.Hardware() { // the encrypted touch key does not change
			return s.wrapMasterKey(ctx, &next, k, ui)
		}
		touch := s.cachedTouchKey()
		if touch == nil && len(h.Touch) > 0 {
			return fmt.Errorf("%s: the openers were changed by another process, try again", s.files.dir.Path())
		}
		return s.wrapKeys(ctx, &next, k, touch, ui)
	})
}

// wrapMasterKey encrypts the master key, but not the touch key, for the openers of h. It then writes h as the
// store's header.
func (s *Store) wrapMasterKey(ctx context.Context, h *Header, k MasterKey, ui PluginUI) error {
	var err error
	if h.Envelope, err = wrap(ctx, k, h.Openers, ui); err != nil {
		return err
	}
	written, err := s.files.writeHeader(h, k)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.header = written
	return nil
}

// checkNotCopy returns an error if h was read from the copy because the header is damaged. The copy may be older
// than the header, so a new header must not be based on it.
func (f files) checkNotCopy(h *Header) error {
	if h.fromCopy {
		return &DamagedError{f.dir.File(headerFile), errChecksum}
	}
	return nil
}
