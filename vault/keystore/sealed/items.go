package sealed

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"aws-vault/vault/disk"
)

// Item opens the item of a kind and name. It returns [ErrNoItem] where there is none, and a
// *[DamagedError] for one that was changed, or put in another's place.
func (s *Store) Item(ctx context.Context, kind, name string) (Item, error) {
	var it Item
	err := s.steady(ctx, func(h *Header, k MasterKey) error {
		o, path, err := s.label(h, k, kind, name)
		if err != nil {
			return err
		}
		var touch *MasterKey
		if o.Touch {
			if touch, err = s.touched(ctx, h); err != nil {
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

// label reads an item's file and its label.
func (s *Store) label(h *Header, k MasterKey, kind, name string) (*opened, string, error) {
	file := k.fileName(h.Store, kind, name)
	o, path, err := s.openFile(h, k, file)
	if err == nil && (o.Kind != kind || o.Name != name) {
		err = &DamagedError{path, errOtherItem}
	}
	return o, path, err
}

func (s *Store) openFile(h *Header, k MasterKey, file string) (*opened, string, error) {
	path := s.itemsDir(h).File(file)
	data, err := readItemFile(s.itemsDir(h), file)
	if err != nil {
		return nil, path, goneIfMissing(err)
	}
	o, err := openLabel(h, k, file, data)
	if err != nil {
		return nil, path, &DamagedError{path, err}
	}
	return o, path, nil
}

func readItemFile(dir *disk.Folder, file string) ([]byte, error) {
	data, err := dir.Read(file, maxItemFile)
	var large *disk.TooLargeError
	if errors.As(err, &large) {
		return nil, &DamagedError{dir.File(file), err}
	}
	return data, err
}

// touched returns the second key, which is asked for once in a process.
func (s *Store) touched(ctx context.Context, h *Header) (*MasterKey, error) {
	give, err := s.turn.Take(ctx)
	if err != nil {
		return nil, err
	}
	defer give()
	s.mu.Lock()
	k := s.touchKey
	s.mu.Unlock()
	switch {
	case k != nil && len(h.Touch) > 0:
		return k, nil
	case len(h.Touch) == 0 || s.touch == nil:
		return nil, fmt.Errorf("%s: %w", s.dir.Path(), ErrTouchless)
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

// Put writes an item whole or not at all, in place of one of its kind and name.
func (s *Store) Put(ctx context.Context, it Item) error {
	if len(it.Data) > MaxItem {
		return fmt.Errorf("item %q: %d bytes, want at most %d", it.Name, len(it.Data), MaxItem)
	}
	if it.Touch { // before the lock is taken: it may take as long as a person takes
		h, _, err := s.keys(ctx)
		if err == nil {
			_, err = s.touched(ctx, h)
		}
		if err != nil {
			return err
		}
	}
	it.stamp = randomHex(8)
	return s.writing(ctx, func(ctx context.Context, h *Header, k MasterKey) error {
		s.mu.Lock()
		touch := s.touchKey
		s.mu.Unlock()
		if it.Touch && touch == nil {
			return fmt.Errorf("%s: the store got another key meanwhile", s.dir.Path())
		}
		return s.put(h, k, touch, it)
	})
}

func (s *Store) put(h *Header, k MasterKey, touch *MasterKey, it Item) error {
	file := k.fileName(h.Store, it.Kind, it.Name)
	data, err := sealItem(h, k, touch, file, it)
	if err != nil {
		return err
	}
	dir := s.itemsDir(h)
	if err := s.disk.mkdir(dir); err != nil {
		return err
	}
	return s.disk.write(dir, file, data)
}

// Remove removes the item of a kind and name, damaged or not, or returns [ErrNoItem].
func (s *Store) Remove(ctx context.Context, kind, name string) error {
	return s.writing(ctx, func(ctx context.Context, h *Header, k MasterKey) error {
		err := s.disk.remove(s.itemsDir(h), k.fileName(h.Store, kind, name))
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
	err := s.steady(ctx, func(h *Header, k MasterKey) error {
		names = nil
		entries, err := s.itemsDir(h).Entries()
		if err != nil {
			return goneIfMissing(err)
		}
		if s.now != nil {
			s.itemsDir(h).Sweep(entries, s.now().Add(-time.Hour))
		}
		for _, e := range entries {
			o, _, err := s.openFile(h, k, e.Name())
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
	err := s.steady(ctx, func(h *Header, k MasterKey) error {
		o, _, err := s.label(h, k, kind, name)
		if err == nil {
			stamp = o.Stamp
		}
		return err
	})
	return stamp, err
}
