package sealed

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
)

// Item opens the item of a kind and name. It returns [ErrNoItem] where there is none, and a
// *[DamagedError] for one that was changed, or put in another's place.
func (s *Store) Item(ctx context.Context, kind, name string) (Item, error) {
	var it Item
	err := s.withKeys(ctx, func(h *Header, k MasterKey) error {
		o, path, err := s.files.label(h, k, kind, name)
		if err != nil {
			return err
		}
		var touch *MasterKey
		if o.Touch {
			if touch, err = s.unlockTouchKey(ctx, h); err != nil {
				return err
			}
		}
		if it, err = o.open(h, touch); err != nil {
			return &DamagedError{path, err}
		}
		return nil
	})
	return it, err
}

// Put writes an item whole or not at all, in place of one of its kind and name.
func (s *Store) Put(ctx context.Context, it Item) error {
	if len(it.Data) > MaxItem {
		return fmt.Errorf("item %q: %d bytes, want at most %d", it.Name, len(it.Data), MaxItem)
	}
	if it.Touch { // before the lock is taken: it may take as long as a person takes
		h, _, err := s.keys(ctx)
		if err == nil {
			_, err = s.unlockTouchKey(ctx, h)
		}
		if err != nil {
			return err
		}
	}
	it.stamp = randomHex(8)
	return s.withWriteLock(ctx, func(ctx context.Context, h *Header, k MasterKey) error {
		touch := s.cachedTouchKey()
		if it.Touch && touch == nil {
			return fmt.Errorf("%s: the store got another key meanwhile", s.files.dir.Path())
		}
		return s.files.put(h, keys{k, touch}, it)
	})
}

// Remove removes the item of a kind and name, damaged or not, or returns [ErrNoItem].
func (s *Store) Remove(ctx context.Context, kind, name string) error {
	return s.withWriteLock(ctx, func(ctx context.Context, h *Header, k MasterKey) error {
		err := s.files.disk.remove(s.files.items(h), k.fileName(h.Store, kind, name))
		if errors.Is(err, fs.ErrNotExist) {
			return ErrNoItem
		}
		return err
	})
}

// Names lists the items of a kind without opening one, sorted. Files whose names cannot be read
// are passed over; [Store.Check] finds them.
func (s *Store) Names(ctx context.Context, kind string) ([]string, error) {
	var names []string
	err := s.withKeys(ctx, func(h *Header, k MasterKey) error {
		names = nil
		items := s.files.items(h)
		entries, err := items.Entries()
		if err != nil {
			return convertMissing(err)
		}
		items.Sweep(entries, s.staleBefore())
		for _, e := range entries {
			o, _, err := s.files.open(h, k, e.Name())
			if err == nil && o.Kind == kind && k.fileName(h.Store, kind, o.Name) == e.Name() {
				names = append(names, o.Name)
			}
		}
		return nil
	})
	if errors.Is(err, ErrNoItem) {
		return nil, nil // the directory comes with the first item
	}
	slices.Sort(names)
	return names, err
}

// Stamp is a word that changes whenever the item is written, got without opening it, or [ErrNoItem].
func (s *Store) Stamp(ctx context.Context, kind, name string) (string, error) {
	var stamp string
	err := s.withKeys(ctx, func(h *Header, k MasterKey) error {
		o, _, err := s.files.label(h, k, kind, name)
		if err == nil {
			stamp = o.Stamp
		}
		return err
	})
	return stamp, err
}
