package keystore

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"sync"
)

// Memory returns a ring in the memory of this process. It holds sessions and sign-ins when nothing may be
// stored on disk.
func Memory() Ring { return &memoryRing{items: map[string]Item{}, stamps: map[string]int{}} }

type memoryRing struct {
	mu     sync.Mutex
	items  map[string]Item
	stamps map[string]int
	writes int
}

// validate returns an error if the name is invalid or the context has ended.
func (m *memoryRing) validate(ctx context.Context, name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	return context.Cause(ctx)
}

func (m *memoryRing) Item(ctx context.Context, name string) (Item, error) {
	if err := m.validate(ctx, name); err != nil {
		return Item{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	it, ok := m.items[name]
	if !ok {
		return Item{}, ErrNotFound
	}
	it.Data = slices.Clone(it.Data)
	return it, nil
}

func (m *memoryRing) Put(ctx context.Context, it Item) error {
	if err := m.validate(ctx, it.Name); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	it.Data = slices.Clone(it.Data)
	m.writes++
	m.items[it.Name], m.stamps[it.Name] = it, m.writes
	return nil
}

func (m *memoryRing) Remove(ctx context.Context, name string) error {
	if err := m.validate(ctx, name); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.items[name]; !ok {
		return ErrNotFound
	}
	delete(m.items, name)
	return nil
}

func (m *memoryRing) Names(ctx context.Context) ([]string, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.items)), nil
}

func (m *memoryRing) Stamp(ctx context.Context, name string) (string, error) {
	if _, err := m.Item(ctx, name); err != nil {
		return "", err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return strconv.Itoa(m.stamps[name]), nil
}

func (m *memoryRing) Check(ctx context.Context) error { return context.Cause(ctx) }
