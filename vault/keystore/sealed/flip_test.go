package sealed

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestFlippedBits flips one bit in each byte of each file of a small store. The damage must be reported or
// repaired from the copy, and all other items must stay readable.
func TestFlippedBits(t *testing.T) {
	w := newFixture(t)
	created := w.create(t)
	items := []Item{key("prod"), {Kind: "private", Name: "session", Data: []byte("x")}}
	put(t, created, items...)
	master, err := created.Unlock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	header := created.Header()
	w.options = w.withPassphrase(testPassphrase)
	unlock := w.config.Unlock
	flipped := 0
	for path, data := range filesIn(t, w.config.Dir) {
		mine := slices.IndexFunc(items, func(it Item) bool {
			return filepath.Base(path) == master.fileName(header.Store, it.Kind, it.Name)
		})
		for i := range data {
			w.prompts = 0
			data[i] ^= 1 << (i % 8)
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			flipped++
			w.config.Unlock = func(context.Context, *Header) (MasterKey, error) { return master, nil }
			if strings.Contains(path, "identity-") || strings.HasSuffix(path, headerFile) && i%16 == 0 {
				w.config.Unlock = unlock // a real unlock is slow, so it is used only for some of the bytes
			}
			s := w.reopen(t)
			_, err := s.Unlock(t.Context())
			if strings.Contains(path, "identity-") {
				wantDamaged(t, path, i, err)
				s = created // continue with a store that is already unlocked
			} else if err != nil {
				t.Fatalf("byte %d of %s: %v", i, path, err)
			}
			found, err := s.Check(t.Context())
			if err != nil || len(found) != 1 {
				t.Errorf("byte %d of %s: Check found %v, %v, want one error", i, path, found, err)
			} else {
				wantDamaged(t, path, i, found[0])
			}
			for n, it := range items {
				if n == mine {
					_, err := s.Item(t.Context(), it.Kind, it.Name)
					wantDamaged(t, path, i, err)
				} else {
					wantItem(t, s, it)
				}
			}
			data[i] ^= 1 << (i % 8)
			if t.Failed() {
				t.FailNow()
			}
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if flipped < 1000 {
		t.Errorf("only %d bits were flipped, want at least 1000", flipped)
	}
}

func wantDamaged(t *testing.T, path string, i int, err error) {
	t.Helper()
	var damaged *DamagedError
	if !errors.As(err, &damaged) || damaged.Path != path || strings.Contains(err.Error(), "secret of") {
		t.Errorf("byte %d of %s: error %v, want a *DamagedError with the file's path", i, path, err)
	}
}

func TestSwappedFiles(t *testing.T) {
	w := newFixture(t)
	s := w.create(t)
	put(t, s, key("prod"), key("dev"), key("third"), Item{Kind: "private", Name: "prod", Data: []byte("x")})
	h, k := s.Header(), *s.key
	at := func(kind, name string) string { return s.files.items(&h).File(k.fileName(h.Store, kind, name)) }
	for name, other := range map[string]string{"another name": at("key", "dev"), "another kind": at("private", "prod")} {
		before := filesIn(t, w.config.Dir)
		if err := os.WriteFile(at("key", "prod"), before[other], 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := s.Item(t.Context(), "key", "prod")
		wantDamaged(t, at("key", "prod"), 0, err)
		wantItem(t, s, key("third"))
		if names, err := s.Names(t.Context(), "key"); err != nil || slices.Contains(names, "prod") {
			t.Errorf("%s: names %q, %v", name, names, err)
		}
	}
	// Write the content of the removed item "prod" to the file of the item "dev".
	put(t, s, key("prod"))
	old := filesIn(t, w.config.Dir)[at("key", "prod")]
	if err := s.Remove(t.Context(), "key", "prod"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at("key", "dev"), old, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := s.Item(t.Context(), "key", "dev")
	wantDamaged(t, at("key", "dev"), 0, err)
	// After Rekey, restore the old file of the item "prod", which is encrypted with the previous master key.
	put(t, s, key("prod"), key("dev"))
	old = filesIn(t, w.config.Dir)[at("key", "prod")]
	if err := s.Rekey(t.Context(), nil, func(Opener) bool { return true }); err != nil {
		t.Fatal(err)
	}
	h, k = s.Header(), *s.key
	if err := os.WriteFile(at("key", "prod"), old, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = s.Item(t.Context(), "key", "prod")
	wantDamaged(t, at("key", "prod"), 0, err)
	wantItem(t, s, key("dev"))
}

func TestRepair(t *testing.T) {
	w := newFixture(t)
	s := w.create(t)
	put(t, s, key("prod"))
	w.options = w.withCards(map[string]*testCard{"one": w.one})
	for _, name := range []string{headerFile, copyFile} {
		path := filepath.Join(w.config.Dir, name)
		for what, spoil := range map[string]func() error{
			"gone":  func() error { return os.Remove(path) },
			"empty": func() error { return os.WriteFile(path, nil, 0o600) },
			"long":  func() error { return os.WriteFile(path, make([]byte, maxHeader+1), 0o600) },
		} {
			if err := spoil(); err != nil {
				t.Fatal(err)
			}
			s := w.reopen(t)
			wantItem(t, s, key("prod"))
			var damaged *DamagedError
			if err := s.Add(t.Context(), newTestCard(t).opener(t, "new"), nil); name == headerFile && !errors.As(err, &damaged) {
				t.Errorf("%s is %s: Add used the copy: %v", name, what, err)
			}
			if amiss, err := s.Repair(t.Context()); err != nil || amiss != (name == headerFile) {
				t.Errorf("%s is %s: %v, %v", name, what, amiss, err)
			}
			if found, err := w.reopen(t).Check(t.Context()); err != nil || len(found) > 0 {
				t.Errorf("%s was %s and repaired: %v, %v", name, what, found, err)
			}
			if err := s.Rekey(t.Context(), nil, func(o Opener) bool { return o.Name != "new" }); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, name := range []string{headerFile, copyFile} {
		if err := os.WriteFile(filepath.Join(w.config.Dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Open(w.config); err == nil {
		t.Error("a store without a header was opened")
	}
}
