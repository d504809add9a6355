package sealed

import (
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"filippo.io/age/plugin"

	"aws-vault/vault/disk"
)

func TestMain(m *testing.M) {
	workFactor = 1 // a low work factor makes the tests fast
	if os.Getenv(killDir) != "" {
		rekeyUntilKilled()
	}
	os.Exit(m.Run())
}

const testPassphrase = "correct horse"

// A testCard simulates a card and counts its touches.
type testCard struct {
	*ecdh.PrivateKey
	touches int
}

func newTestCard(t testing.TB) *testCard {
	k, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &testCard{PrivateKey: k}
}

func (c *testCard) ECDH(peer *ecdh.PublicKey) ([]byte, error) {
	c.touches++
	return c.PrivateKey.ECDH(peer)
}

func (c *testCard) opener(t testing.TB, name string) NewOpener {
	r, err := CardRecipient(c.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	return NewOpener{Opener: Opener{Name: name, Kind: Card, Recipient: r, Slot: "82"}}
}

// lockAt returns a function for Config.Lock that locks the file at path.
func lockAt(path string) func(context.Context) (context.Context, func(), error) {
	return func(ctx context.Context) (context.Context, func(), error) {
		l, err := disk.NewFolder(filepath.Dir(path)).Lock(ctx, filepath.Base(path))
		if err != nil {
			return ctx, nil, err
		}
		return ctx, func() { l.Close() }, nil
	}
}

// A fixture is a store with two cards, a passphrase and recovery words.
type fixture struct {
	config  Config
	one     *testCard
	two     *testCard
	words   string
	options UnlockOptions // the available openers
	prompts int
}

func newFixture(t testing.TB) *fixture {
	w := &fixture{one: newTestCard(t), two: newTestCard(t)}
	dir := t.TempDir()
	w.config = Config{
		Dir: filepath.Join(dir, "sealed"), Lock: lockAt(filepath.Join(dir, "locks", "sealed")),
		Unlock: func(ctx context.Context, h *Header) (MasterKey, error) {
			return h.OpenMasterKey(ctx, filepath.Join(dir, "sealed"), w.options)
		},
		Touch: func(ctx context.Context, h *Header) (MasterKey, error) {
			return h.OpenTouchKey(ctx, filepath.Join(dir, "sealed"), w.options)
		},
	}
	return w
}

// withCards returns options in which the given cards are connected. The map's keys are the names of openers.
func (w *fixture) withCards(cards map[string]*testCard) UnlockOptions {
	return UnlockOptions{Card: func(_ context.Context, o Opener) (Exchanger, func(), error) {
		if c, ok := cards[o.Name]; ok {
			return c, func() {}, nil
		}
		return nil, nil, ErrAbsent
	}}
}

func (w *fixture) withPassphrase(answers ...string) UnlockOptions {
	return UnlockOptions{Passphrase: func(context.Context, PassphrasePrompt) (string, error) {
		w.prompts++
		return answers[min(w.prompts, len(answers))-1], nil
	}}
}

func (w *fixture) create(t testing.TB) *Store {
	words, recipient, err := NewWords()
	if err != nil {
		t.Fatal(err)
	}
	w.words = strings.Join(words, " ")
	s, err := Create(t.Context(), w.config, nil,
		w.one.opener(t, "one"), w.two.opener(t, "two"),
		NewOpener{Opener: Opener{Name: "pass", Kind: Passphrase}, Passphrase: testPassphrase},
		NewOpener{Opener: Opener{Name: "paper", Kind: Recovery, Recipient: recipient}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// reopen opens the store as a new process does.
func (w *fixture) reopen(t testing.TB) *Store {
	t.Helper()
	s, err := Open(w.config)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func put(t testing.TB, s *Store, items ...Item) {
	t.Helper()
	for _, it := range items {
		if err := s.Put(t.Context(), it); err != nil {
			t.Fatalf("Put %s: %v", it.Name, err)
		}
	}
}

func wantItem(t testing.TB, s *Store, want Item) {
	t.Helper()
	have, err := s.Item(t.Context(), want.Kind, want.Name)
	if err != nil || string(have.Data) != string(want.Data) || have.Touch != want.Touch || have.Name != want.Name {
		t.Errorf("Item %s is %+v, %v, want %+v", want.Name, have, err, want)
	}
}

func key(name string) Item { return Item{Kind: "key", Name: name, Data: []byte("secret of " + name)} }

func TestEachOpenerOpens(t *testing.T) {
	w := newFixture(t)
	put(t, w.create(t), key("prod"))
	for _, test := range []struct {
		name     string
		options  UnlockOptions
		one, two int
		prompts  int
	}{
		{"the first card", w.withCards(map[string]*testCard{"one": w.one}), 1, 0, 0},
		{"the second card", w.withCards(map[string]*testCard{"two": w.two}), 0, 1, 0},
		{"both cards", w.withCards(map[string]*testCard{"one": w.one, "two": w.two}), 1, 0, 0},
		{"a passphrase", w.withPassphrase(testPassphrase), 0, 0, 1},
		{"a passphrase, the second time", w.withPassphrase("wrong", testPassphrase), 0, 0, 2},
		{"words", UnlockOptions{Only: "paper", Words: func(context.Context, string) (string, error) { return strings.ToUpper(w.words), nil }}, 0, 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			w.options, w.one.touches, w.two.touches, w.prompts = test.options, 0, 0, 0
			s := w.reopen(t)
			wantItem(t, s, key("prod"))
			wantItem(t, s, key("prod"))
			if w.one.touches != test.one || w.two.touches != test.two || w.prompts != test.prompts {
				t.Errorf("%d and %d touches and %d prompts, want %d, %d and %d", w.one.touches, w.two.touches, w.prompts, test.one, test.two, test.prompts)
			}
		})
	}
}

func TestUnlockErrors(t *testing.T) {
	w := newFixture(t)
	put(t, w.create(t), key("prod"))
	otherCard := newTestCard(t)
	for _, test := range []struct {
		name    string
		options UnlockOptions
		want    error
		text    string
	}{
		{"no opener", UnlockOptions{}, ErrNoOpener, ""},
		{"a wrong passphrase", w.withPassphrase("wrong"), ErrWrongPassphrase, ""},
		{"an unknown opener", UnlockOptions{Only: "missing"}, ErrUnknownOpener, "missing"},
		{"an opener that is not connected", UnlockOptions{Only: "two"}, ErrNoOpener, "two"},
		{"another key in the slot", w.withCards(map[string]*testCard{"one": otherCard}), nil, "that slot has a different key"},
		{"other words", UnlockOptions{Only: "paper", Words: func(context.Context, string) (string, error) {
			words, _, err := NewWords()
			return strings.Join(words, " "), err
		}}, nil, "another opener"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w.options, w.prompts = test.options, 0
			_, err := w.reopen(t).Item(t.Context(), "key", "prod")
			if err == nil || test.want != nil && !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.text) {
				t.Errorf("error %v, want %v %q", err, test.want, test.text)
			}
			if w.prompts > 2 || otherCard.touches > 0 {
				t.Errorf("%d prompts, %d touches of a card with another key", w.prompts, otherCard.touches)
			}
		})
	}
}

func TestItems(t *testing.T) {
	w := newFixture(t)
	s := w.create(t)
	if names, err := s.Names(t.Context(), "key"); err != nil || len(names) != 0 {
		t.Errorf("a new store has %q, %v", names, err)
	}
	private := Item{Kind: "private", Name: "prod", Data: []byte("a session")}
	put(t, s, key("prod"), key("dev"), private)
	wantItem(t, s, key("prod"))
	wantItem(t, s, private)
	if names, err := s.Names(t.Context(), "key"); err != nil || !slices.Equal(names, []string{"dev", "prod"}) {
		t.Errorf("names %q, %v", names, err)
	}
	before, err := s.Stamp(t.Context(), "key", "prod")
	if err != nil {
		t.Fatal(err)
	}
	put(t, s, key("prod"))
	if after, err := s.Stamp(t.Context(), "key", "prod"); err != nil || after == before {
		t.Errorf("the stamp was %q before and after a write, %v", after, err)
	}
	for name, err := range map[string]error{
		"Item":   func() error { _, err := s.Item(t.Context(), "key", "none"); return err }(),
		"Stamp":  func() error { _, err := s.Stamp(t.Context(), "key", "none"); return err }(),
		"Remove": s.Remove(t.Context(), "key", "none"),
	} {
		if !errors.Is(err, ErrNoItem) {
			t.Errorf("%s: %v, want %v", name, err, ErrNoItem)
		}
	}
	if err := s.Remove(t.Context(), "key", "prod"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Item(t.Context(), "key", "prod"); !errors.Is(err, ErrNoItem) {
		t.Errorf("removed: %v", err)
	}
	if err := s.Put(t.Context(), Item{Kind: "key", Name: "long", Data: make([]byte, MaxItem+1)}); err == nil {
		t.Error("Put accepted an item that is too long")
	}
}

// TestFilesRevealNothing checks that the files reveal neither names nor secrets. Two writes of the same item must
// produce different files.
func TestFilesRevealNothing(t *testing.T) {
	w := newFixture(t)
	s := w.create(t)
	put(t, s, key("prod"))
	seen := map[string]bool{}
	for range 2 {
		for path, data := range filesIn(t, w.config.Dir) {
			if strings.Contains(path, "prod") || strings.Contains(string(data), "prod") || strings.Contains(string(data), "secret of") {
				t.Errorf("%s reveals its content", path)
			}
			if strings.Contains(path, itemsDir) && seen[string(data[len(itemMagic):])] {
				t.Error("two writes produced the same file")
			}
			seen[string(data[min(len(data), len(itemMagic)):])] = true
		}
		put(t, s, key("prod"))
	}
	k, _ := s.Unlock(t.Context())
	if text := fmt.Sprintf("%v %+v %#v %s", k, k, k, k); strings.Trim(text, "* ") != "" {
		t.Errorf("a key prints as %s", text)
	}
}

// filesIn returns the contents of all files below dir by path.
func filesIn(t testing.TB, dir string) map[string][]byte {
	all := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			all[path], err = os.ReadFile(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestCreateOnce(t *testing.T) {
	w := newFixture(t)
	if _, err := Open(w.config); !errors.Is(err, ErrNoStore) {
		t.Errorf("an empty directory: %v, want %v", err, ErrNoStore)
	}
	w.create(t)
	if _, err := Create(t.Context(), w.config, nil, w.one.opener(t, "one")); !errors.Is(err, ErrExists) {
		t.Errorf("a second store: %v, want %v", err, ErrExists)
	}
}

func TestTouch(t *testing.T) {
	w := newFixture(t)
	s := w.create(t)
	touchItem := Item{Kind: "key", Name: "root", Data: []byte("the one that matters"), Touch: true}
	put(t, s, key("prod"), touchItem)
	master, err := s.Unlock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	unlocked := w.config
	unlocked.Unlock = func(context.Context, *Header) (MasterKey, error) { return master, nil }
	w.options = w.withCards(map[string]*testCard{"two": w.two})
	if s, err = Open(unlocked); err != nil {
		t.Fatal(err)
	}
	wantItem(t, s, key("prod"))
	if names, err := s.Names(t.Context(), "key"); err != nil || len(names) != 2 || w.two.touches != 0 {
		t.Errorf("names %q, %v, after %d touches", names, err, w.two.touches)
	}
	wantItem(t, s, touchItem)
	wantItem(t, s, touchItem)
	if w.one.touches != 0 || w.two.touches != 1 {
		t.Errorf("%d and %d touches, want one of the connected card", w.one.touches, w.two.touches)
	}
	w.options = w.withPassphrase(testPassphrase) // opens the store, but not the items that need a touch
	s = w.reopen(t)
	wantItem(t, s, key("prod"))
	if _, err := s.Item(t.Context(), "key", "root"); !errors.Is(err, ErrNoOpener) {
		t.Errorf("without a touch: %v, want %v", err, ErrNoOpener)
	}
	if err := s.Rekey(t.Context(), nil, func(o Opener) bool { return true }); !errors.Is(err, ErrNoOpener) {
		t.Errorf("Rekey without a touch: %v, want %v", err, ErrNoOpener)
	}
	w.options = w.withCards(map[string]*testCard{"one": w.one})
	s = w.reopen(t)
	if err := s.Rekey(t.Context(), nil, func(o Opener) bool { return !o.Hardware() }); !errors.Is(err, ErrTouchItems) {
		t.Errorf("Rekey removed the last hardware opener: %v, want %v", err, ErrTouchItems)
	}
	wantItem(t, s, touchItem)
	if err := s.Rekey(t.Context(), nil, func(o Opener) bool { return o.Name != "two" }); err != nil {
		t.Fatal(err)
	}
	wantItem(t, w.reopen(t), touchItem)
}

// TestMissingProgram simulates an age plugin whose program is missing. Item must not return ErrNoItem, because the
// user might then store another key in place of the existing item.
func TestMissingProgram(t *testing.T) {
	w := newFixture(t)
	s := w.create(t)
	put(t, s, Item{Kind: "key", Name: "root", Data: []byte("needs a touch"), Touch: true})
	w.config.Touch = func(context.Context, *Header) (MasterKey, error) {
		return MasterKey{}, &os.PathError{Op: "fork/exec", Path: "age-plugin-example", Err: fs.ErrNotExist}
	}
	w.options = w.withPassphrase(testPassphrase)
	if _, err := w.reopen(t).Item(t.Context(), "key", "root"); err == nil || errors.Is(err, ErrNoItem) {
		t.Errorf("Item returned %v, want the error of the program", err)
	}
}

// TestPluginWithoutUI checks that a plugin does not run if it cannot interact with the user, as in aws-vault
// doctor, and that age always receives a user interface.
func TestPluginWithoutUI(t *testing.T) {
	w := newFixture(t)
	w.create(t)
	h, err := readHeader(disk.NewFolder(w.config.Dir))
	if err != nil {
		t.Fatal(err)
	}
	o := Opener{Name: "plugin", Kind: Plugin, Identity: plugin.EncodeIdentity("absent", []byte{1})}
	if _, err := h.open(t.Context(), w.config.Dir, h.Envelope, []Opener{o}, UnlockOptions{}); !errors.Is(err, ErrNoOpener) {
		t.Errorf("open: %v, want %v", err, ErrNoOpener)
	}
	if PluginUI(nil).client(t.Context()) == nil {
		t.Error("the user interface is nil")
	}
}

func TestTouchNeedsHardwareOpener(t *testing.T) {
	w := newFixture(t)
	s, err := Create(t.Context(), w.config, nil, NewOpener{Opener: Opener{Name: "pass", Kind: Passphrase}, Passphrase: testPassphrase})
	if err != nil {
		t.Fatal(err)
	}
	touchItem := Item{Kind: "key", Name: "root", Touch: true}
	if err := s.Put(t.Context(), touchItem); !errors.Is(err, ErrNoHardwareOpener) {
		t.Errorf("without hardware: %v, want %v", err, ErrNoHardwareOpener)
	}
	if err := s.Add(t.Context(), w.one.opener(t, "one"), nil); err != nil {
		t.Fatal(err)
	}
	put(t, s, touchItem)
	w.options = w.withCards(map[string]*testCard{"one": w.one})
	wantItem(t, w.reopen(t), touchItem)
	w.one.touches = 0
	s = w.reopen(t)
	if err := s.Add(t.Context(), w.two.opener(t, "two"), nil); err != nil {
		t.Fatal(err)
	}
	if w.one.touches != 2 || w.two.touches != 0 {
		t.Errorf("Add needed %d and %d touches, want one for each key and none of the new card", w.one.touches, w.two.touches)
	}
	w.options = w.withCards(map[string]*testCard{"two": w.two})
	wantItem(t, w.reopen(t), touchItem)
}

// TestConcurrentRekey reads and writes items while Rekey runs several times. Readers must find every item, and no
// write may be lost.
func TestConcurrentRekey(t *testing.T) {
	w := newFixture(t)
	w.options = w.withCards(map[string]*testCard{"one": w.one})
	var cardLock sync.Mutex // one caller at a time uses the card
	unlock := w.config.Unlock
	w.config.Unlock = func(ctx context.Context, h *Header) (MasterKey, error) {
		cardLock.Lock()
		defer cardLock.Unlock()
		return unlock(ctx, h)
	}
	s := w.create(t)
	put(t, s, key("prod"))
	stop := make(chan struct{})
	var all sync.WaitGroup
	until := func(act func()) {
		all.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					act()
				}
			}
		})
	}
	for i := range 2 {
		reader, writer, it := w.reopen(t), w.reopen(t), key(fmt.Sprint("of ", i))
		until(func() { wantItem(t, reader, key("prod")) })
		until(func() {
			if err := writer.Put(t.Context(), it); err != nil {
				t.Errorf("Put: %v", err)
			}
			wantItem(t, writer, it)
		})
	}
	for range 10 {
		if err := s.Rekey(t.Context(), nil, func(Opener) bool { return true }); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	all.Wait()
	if found, err := w.reopen(t).Check(t.Context()); err != nil || len(found) != 0 {
		t.Errorf("after Rekey, Check found %v, %v", found, err)
	}
}
