package sealed

import (
	"context"
	"errors"
	"fmt"
)

// ErrTouchItems reports that some items need a touch, but no hardware opener would remain to open them.
var ErrTouchItems = errors.New("of the items need a touch of a security key to open, so one hardware opener must remain")

// Rekey replaces the master key. It encrypts all items again. Only the openers that keep accepts can decrypt the
// new master key. If an item is damaged, Rekey returns an error and changes nothing.
//
// Rekey can be interrupted at any point. Until the new header is written, the old header and the old items are
// valid. From then on, the new header and the new items are valid. The next write removes the files that are not
// valid.
func (s *Store) Rekey(ctx context.Context, ui PluginUI, keep func(Opener) bool) error {
	if err := s.unlockTouchKeyIfUsed(ctx); err != nil {
		return err
	}
	return s.withWriteLock(ctx, func(ctx context.Context, h *Header, k MasterKey) error {
		if err := s.files.checkNotCopy(h); err != nil {
			return err
		}
		next := h.clone()
		next.Openers = nil
		for _, o := range h.Openers {
			if keep(o) {
				next.Openers = append(next.Openers, o)
			}
		}
		if len(next.Openers) == 0 {
			return ErrLastOpener
		}
		return s.replaceKeys(ctx, h, &next, k, ui)
	})
}

// replaceKeys creates new keys, encrypts all items of the store again with them, and replaces the old header (h)
// with the new header (next).
func (s *Store) replaceKeys(ctx context.Context, h, next *Header, k MasterKey, ui PluginUI) error {
	key, touch := newMasterKey(), newMasterKey()
	next.Generation, next.Key = h.Generation+1, key.id(h.Store)
	touches, err := s.files.reseal(h, next, keys{k, s.cachedTouchKey()}, keys{key, &touch})
	if err == nil && touches > 0 && len(hardware(next.Openers)) == 0 {
		err = fmt.Errorf("%d %w", touches, ErrTouchItems)
	}
	if err == nil {
		err = s.wrapKeys(ctx, next, key, &touch, ui)
	}
	if err != nil {
		// Remove the new items only if the old header is still there. Despite the error, the new header may have
		// been written, and then the new items are needed.
		if now, readErr := readHeaderFile(s.files.dir, headerFile); readErr == nil && now.Key == h.Key {
			s.files.removeItems(s.files.items(next))
		}
		return err
	}
	current, _ := s.cachedKeys()
	s.files.cleanUp(current, s.staleBefore())
	return nil
}

// reseal decrypts all items with the old keys (from) and encrypts them with the new keys (to) into the directory
// that belongs to the new header (next). It returns the number of items that need a touch.
func (f files) reseal(h, next *Header, from, to keys) (touches int, err error) {
	if err := f.disk.mkdir(f.items(next)); err != nil {
		return 0, err
	}
	files, err := f.itemFiles(h)
	if err != nil {
		return 0, err
	}
	for _, file := range files {
		o, path, err := f.open(h, from.master, file)
		if err != nil {
			return touches, err
		}
		if o.Touch {
			touches++
		}
		if o.Touch && from.touch == nil {
			return touches, fmt.Errorf("%s: another process stored this item during the operation, and it needs a touch to open; try again", path)
		}
		it, err := o.open(h, from.touch)
		if err != nil {
			return touches, &DamagedError{path, err}
		}
		if err := f.put(next, to, it); err != nil {
			return touches, err
		}
	}
	return touches, nil
}

// unlockTouchKeyIfUsed unlocks the touch key if the store has items that need a touch.
func (s *Store) unlockTouchKeyIfUsed(ctx context.Context) error {
	h, k, err := s.keys(ctx)
	if err != nil {
		return err
	}
	files, err := s.files.itemFiles(h)
	if err != nil {
		return err
	}
	for _, file := range files {
		if o, _, err := s.files.open(h, k, file); err == nil && o.Touch {
			_, err := s.unlockTouchKey(ctx, h)
			return err
		}
	}
	return nil
}
