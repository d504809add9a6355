package sealed

import (
	"context"
	"fmt"
)

// Add gives the store another opener. The list that it joins was checked with the store's key, so
// that nothing is wrapped to an opener that someone else put there. A second hardware opener
// takes the touch of one that is there.
func (s *Store) Add(ctx context.Context, o NewOpener, ui PluginUI) error {
	if o.Kind != Passphrase {
		if err := o.validate(); err != nil { // before anyone is asked
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
		if !o.Hardware() { // the envelope of the second key stays as it is
			return s.wrapMasterKey(ctx, &next, k, ui)
		}
		touch := s.cachedTouchKey()
		if touch == nil && len(h.Touch) > 0 {
			return fmt.Errorf("%s: the openers were changed meanwhile", s.files.dir.Path())
		}
		return s.wrapKeys(ctx, &next, k, touch, ui)
	})
}

// wrapMasterKey is seal for openers that do not open the second key.
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

// checkNotCopy refuses to write a new header where the old one is damaged: its copy may be older.
func (f files) checkNotCopy(h *Header) error {
	if h.fromCopy {
		return &DamagedError{f.dir.File(headerFile), errChecksum}
	}
	return nil
}
