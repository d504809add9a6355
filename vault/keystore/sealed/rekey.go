package sealed

import (
	"context"
	"errors"
	"fmt"
)

// ErrTouchItems says that items would be left that nothing opens any more.
var ErrTouchItems = errors.New("items that open with a touch only are stored, want a hardware opener to stay")

// Rekey gives the store another master key, wrapped to the openers that keep says, and seals all
// items anew. It can be stopped at any instruction: until the new header is in its place the old
// one stands with the old items, and from then on the new one with the new items. What the
// other has left is removed by the next that writes. A damaged item is an error, before
// anything is changed.
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

// replaceKeys moves everything from h and its key to next and another one.
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
		// Unless the header is in its place already, the new items are nobody's.
		if now, readErr := readHeaderFile(s.files.dir, headerFile); readErr == nil && now.Key == h.Key {
			s.files.removeItems(s.files.items(next))
		}
		return err
	}
	current, _ := s.cachedKeys()
	s.files.cleanUp(current, s.staleBefore())
	return nil
}

// reseal writes each item again, under other keys and beside the old one, and returns how many
// open with a touch only.
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
			return touches, fmt.Errorf("%s: it was stored meanwhile, and opens with a touch only", path)
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

// unlockTouchKeyIfUsed asks for the second key if there is an item to be sealed anew with it.
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
