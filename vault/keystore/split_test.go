package keystore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
)

// A limitedRing is a ring in memory that accepts only short items and stores only their data. A test can make
// its calls fail.
type limitedRing struct {
	limit int
	fail  func(act, name string) error

	mu     sync.Mutex
	items  map[string][]byte
	writes int
	stamps map[string]int
}

func newLimitedRing(limit int) *limitedRing {
	return &limitedRing{limit: limit, items: map[string][]byte{}, stamps: map[string]int{}}
}

var errTooLong = errors.New("too long for this ring")

func (m *limitedRing) begin(ctx context.Context, act, name string) (unlock func(), err error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	if err := checkName(name); err != nil {
		return nil, err
	}
	m.mu.Lock()
	if m.fail != nil {
		if err := m.fail(act, name); err != nil {
			m.mu.Unlock()
			return nil, err
		}
	}
	return m.mu.Unlock, nil
}

func (m *limitedRing) Item(ctx context.Context, name string) (Item, error) {
	unlock, err := m.begin(ctx, "item", name)
	if err != nil {
		return Item{}, err
	}
	defer unlock()
	data, ok := m.items[name]
	if !ok {
		return Item{}, ErrNotFound
	}
	return Item{Name: name, Data: bytes.Clone(data)}, nil
}

func (m *limitedRing) Put(ctx context.Context, it Item) error {
	unlock, err := m.begin(ctx, "put", it.Name)
	if err != nil {
		return err
	}
	defer unlock()
	if len(it.Data) > m.limit {
		return errTooLong
	}
	m.writes++
	m.items[it.Name], m.stamps[it.Name] = bytes.Clone(it.Data), m.writes
	return nil
}

func (m *limitedRing) Remove(ctx context.Context, name string) error {
	unlock, err := m.begin(ctx, "remove", name)
	if err != nil {
		return err
	}
	defer unlock()
	if _, ok := m.items[name]; !ok {
		return ErrNotFound
	}
	delete(m.items, name)
	return nil
}

func (m *limitedRing) Names(ctx context.Context) ([]string, error) {
	unlock, err := m.begin(ctx, "names", "all")
	if err != nil {
		return nil, err
	}
	defer unlock()
	return slices.Sorted(maps.Keys(m.items)), nil
}

func (m *limitedRing) Stamp(ctx context.Context, name string) (string, error) {
	if _, err := m.Item(ctx, name); err != nil {
		return "", err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return fmt.Sprint(m.stamps[name]), nil
}

func (m *limitedRing) Check(ctx context.Context) error { return context.Cause(ctx) }

const testLimit = 200

func TestSplit(t *testing.T) {
	for _, limit := range []int{100, testLimit, 2560} {
		m := newLimitedRing(limit)
		s := split{ring: m, limit: limit, location: "memory"}
		testRing(t, s, ringTest{dataOnly: true, names: []string{"a#2", "#"}})
		testRing(t, privateRing{ring: s, location: "memory"}, ringTest{private: true})
		if len(m.items) != 0 {
			t.Errorf("%d items remain", len(m.items))
		}
	}
}

func TestSplitSizes(t *testing.T) {
	m := newLimitedRing(testLimit)
	s := split{ring: m, limit: testLimit, location: "memory"}
	for n := range 5 * testLimit {
		it := Item{Name: "prod", Data: bytes.Repeat([]byte{'x'}, n)}
		mustPut(t, s, it)
		if have, err := s.Item(t.Context(), "prod"); err != nil || !bytes.Equal(have.Data, it.Data) {
			t.Fatalf("%d bytes became %d, %v", n, len(have.Data), err)
		}
		if n <= testLimit && len(m.items) != 1 {
			t.Fatalf("%d bytes are stored in %d items", n, len(m.items))
		}
	}
	mustPut(t, s, Item{Name: "prod", Data: []byte(splitMark + "in the user's content")})
	if have, err := s.Item(t.Context(), "prod"); err != nil || string(have.Data) != splitMark+"in the user's content" {
		t.Errorf("content that begins like a split line became %q, %v", have.Data, err)
	}
	if err := s.Put(t.Context(), Item{Name: "big", Data: make([]byte, maxSplitParts*testLimit)}); err == nil {
		t.Error("Put wrote an item with too many parts")
	}
	var bad *NameError
	if err := s.Put(t.Context(), Item{Name: "prod#0123456789abcdef.2"}); !errors.As(err, &bad) {
		t.Errorf("the name of a part returned %v, want a *NameError", err)
	}
}

// TestSplitInterrupted makes each call to the underlying ring during a Put fail in turn. After each failure, the
// item must have its old or its new content, never a mixture.
func TestSplitInterrupted(t *testing.T) {
	broken := errors.New("broken on purpose")
	old, new := strings.Repeat("old", testLimit), strings.Repeat("new", testLimit)
	for at := 1; ; at++ {
		m := newLimitedRing(testLimit)
		s := split{ring: m, limit: testLimit, location: "memory"}
		mustPut(t, s, Item{Name: "prod", Data: []byte(old)})
		acts := 0
		m.fail = func(act, name string) error {
			if acts++; acts >= at {
				return broken // all later calls fail too, as if the process had been killed
			}
			return nil
		}
		err := s.Put(t.Context(), Item{Name: "prod", Data: []byte(new)})
		m.fail = nil
		have, itemErr := s.Item(t.Context(), "prod")
		if itemErr != nil || string(have.Data) != old && string(have.Data) != new {
			t.Fatalf("with a failure at call %d, the item is %.10q, %v", at, have.Data, itemErr)
		}
		if names, err := s.Names(t.Context()); err != nil || !slices.Equal(names, []string{"prod"}) {
			t.Errorf("with a failure at call %d, Names = %q, %v", at, names, err)
		}
		if err := s.Remove(t.Context(), "prod"); err != nil || len(m.items) != 0 {
			t.Errorf("with a failure at call %d, Remove left %d items, %v", at, len(m.items), err)
		}
		if err == nil {
			if at < 8 {
				t.Errorf("Put of a split item needed only %d calls", at-1)
			}
			return
		}
	}
}

// A lateRing is a ring whose writes return when their context ends, but are carried out later, as with the keystores of
// the keyring library.
type lateRing struct {
	*limitedRing
	cancel func()   // called at the write of the item "prod", before the write
	late   []func() // the writes that are not yet carried out
}

func (r *lateRing) Put(ctx context.Context, it Item) error {
	if it.Name == "prod" && r.cancel != nil {
		r.cancel()
	}
	if err := context.Cause(ctx); err != nil {
		it.Data = bytes.Clone(it.Data)
		r.late = append(r.late, func() { r.limitedRing.Put(context.WithoutCancel(ctx), it) })
		return err
	}
	return r.limitedRing.Put(ctx, it)
}

// TestSplitCancelled cancels a Put while the first part is written. The write is carried out later. The item must then
// be complete.
func TestSplitCancelled(t *testing.T) {
	m := &lateRing{limitedRing: newLimitedRing(testLimit)}
	s := split{ring: m, limit: testLimit, location: "memory"}
	mustPut(t, s, Item{Name: "prod", Data: bytes.Repeat([]byte("old"), testLimit)})
	ctx, cancel := context.WithCancel(t.Context())
	m.cancel = cancel
	err := s.Put(ctx, Item{Name: "prod", Data: bytes.Repeat([]byte("new"), testLimit)})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("Put: %v, want %v", err, context.Canceled)
	}
	if have, err := s.Item(t.Context(), "prod"); err != nil || !bytes.HasPrefix(have.Data, []byte("old")) {
		t.Errorf("before the late write: %.10q, %v", have.Data, err)
	}
	for _, write := range m.late {
		write()
	}
	if have, err := s.Item(t.Context(), "prod"); err != nil || !bytes.HasPrefix(have.Data, []byte("new")) {
		t.Errorf("after the late write: %.10q, %v", have.Data, err)
	}
	if err := s.Remove(t.Context(), "prod"); err != nil || len(m.items) != 0 {
		t.Errorf("Remove left %d items, %v", len(m.items), err)
	}
}

func TestSplitDamaged(t *testing.T) {
	for name, damage := range map[string]func(m *limitedRing){
		"part missing": func(m *limitedRing) {
			for name := range m.items {
				if strings.HasSuffix(name, ".2") {
					delete(m.items, name)
				}
			}
		},
		"line cut":       func(m *limitedRing) { m.items["prod"] = []byte(splitMark + "0123") },
		"too many parts": func(m *limitedRing) { m.items["prod"] = []byte(splitMark + "0123456789abcdef 999\n") },
	} {
		m := newLimitedRing(testLimit)
		s := split{ring: m, limit: testLimit, location: "memory"}
		mustPut(t, s, Item{Name: "prod", Data: make([]byte, 3*testLimit)})
		damage(m)
		var damaged *DamagedError
		if _, err := s.Item(t.Context(), "prod"); !errors.As(err, &damaged) || damaged.Where != "memory" {
			t.Errorf("%s: %v, want a *DamagedError", name, err)
		}
	}
}

// TestSplitReplacedWhileRead replaces an item while Item reads the item's parts. Item must return the new content.
func TestSplitReplacedWhileRead(t *testing.T) {
	m := newLimitedRing(testLimit)
	s := split{ring: m, limit: testLimit, location: "memory"}
	mustPut(t, s, Item{Name: "prod", Data: bytes.Repeat([]byte("old"), testLimit)})
	replaced := false
	m.fail = func(act, name string) error {
		if act == "item" && partName().MatchString(name) && !replaced {
			replaced = true
			m.mu.Unlock()
			defer m.mu.Lock()
			mustPut(t, s, Item{Name: "prod", Data: bytes.Repeat([]byte("new"), testLimit)})
		}
		return nil
	}
	have, err := s.Item(t.Context(), "prod")
	if err != nil || !bytes.Equal(have.Data, bytes.Repeat([]byte("new"), testLimit)) {
		t.Errorf("Item = %.10q, %v", have.Data, err)
	}
}

func FuzzParseSplit(f *testing.F) {
	f.Add([]byte("whole"))
	f.Add([]byte(splitMark + "0123456789abcdef 3\nfirst"))
	f.Add([]byte(splitMark + "0123456789abcdef 999\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		w, err := parseSplit(data)
		if err != nil {
			if !errors.Is(err, errBadSplit) {
				t.Errorf("unexpected error: %v", err)
			}
			return
		}
		again := w.first
		if w.id != "" {
			again = append(fmt.Appendf(nil, splitFormat, w.id, w.parts), w.first...)
		}
		if !bytes.Equal(again, data) || w.parts > maxSplitParts {
			t.Errorf("%q became %q in %d parts", data, again, w.parts)
		}
	})
}
