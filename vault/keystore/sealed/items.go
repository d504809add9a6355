package sealed

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"aws-vault/vault/printable"
)

// Item opens the item with this kind and name. It returns [ErrNoItem] if there is no such item, and a
// *[DamagedError] if the item's file was changed or moved.
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

// Put writes an item and replaces the existing item of the same kind and name. The write is atomic.
func (s *Store) Put(ctx context.Context, it Item) error {
	if len(it.Data) > MaxItem {
		return fmt.Errorf("item %s has %d bytes, expected at most %d", printable.Quote(it.Name), len(it.Data), MaxItem)
	}
	if it.Touch { // unlock the touch key before the lock is acquired: a touch can take a while
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
			return fmt.Errorf("%s: the master key was replaced by another process, try again", s.files.dir.Path())
		}
		return s.files.put(h, keys{k, touch}, it)
	})
}

// Remove removes the item with this kind and name, even if it is damaged. It returns [ErrNoItem] if there is no
// such item.
func (s *Store) Remove(ctx context.Context, kind, name string) error {
	return s.withWriteLock(ctx, func(ctx context.Context, h *Header, k MasterKey) error {
		err := s.files.disk.remove(s.files.items(h), k.fileName(h.Store, kind, name))
		if errors.Is(err, fs.ErrNotExist) {
			return ErrNoItem
		}
		return err
	})
}

// Names returns the sorted names of the items of one kind. It opens no item. It skips files whose labels cannot be
// read; [Store.Check] reports those files.
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
		return nil, nil // the directory does not exist before the first Put
	}
	slices.Sort(names)
	return names, err
}

// Stamp returns a string that changes whenever the item is written. It returns [ErrNoItem] if there is no such
// item. It does not open the item.
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
