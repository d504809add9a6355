package keystore

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"aws-vault/vault/disk"
	"aws-vault/vault/keystore/sealed"
	"aws-vault/vault/keystore/unlocked"
)

// sealedFixture is the configuration of a sealed keystore. It answers passphrase prompts, and records prompts and
// notes.
type sealedFixture struct {
	Config
	prompts []sealed.PassphrasePrompt
	notes   []string
}

// lockIn returns a function for Config.Lock that creates its lock files in dir.
func lockIn(dir string) func(context.Context, string, string) (context.Context, func(), error) {
	return func(ctx context.Context, name, _ string) (context.Context, func(), error) {
		l, err := disk.NewFolder(dir).Lock(ctx, name)
		if err != nil {
			return ctx, nil, err
		}
		return ctx, func() { l.Close() }, nil
	}
}

func newSealedFixture(t *testing.T) *sealedFixture {
	dir := t.TempDir()
	w := &sealedFixture{}
	w.Config = Config{
		Backend: SealedBackend, SealedDir: filepath.Join(dir, "sealed"), FileDir: filepath.Join(dir, "keys"), State: disk.NewFolder(filepath.Join(dir, "state")),
		Lock: lockIn(filepath.Join(dir, "locks")), Now: time.Now, Note: func(m string) { w.notes = append(w.notes, m) },
	}
	w.Openers.Passphrase = func(_ context.Context, prompt sealed.PassphrasePrompt) (string, error) {
		w.prompts = append(w.prompts, prompt)
		return testPassphrase, nil
	}
	return w
}

func TestSealedRing(t *testing.T) {
	w := newSealedFixture(t)
	k := mustOpen(t, w.Config)
	slashes := []string{"arn:aws:iam::123456789012:mfa/x", "a/../b", "50%", "%2F", strings.Repeat("x", maxName)}
	t.Run("keys", func(t *testing.T) { testRing(t, k.Keys, ringTest{names: slashes}) })
	t.Run("private", func(t *testing.T) { testRing(t, k.Private, ringTest{names: slashes, private: true}) })
	if len(w.prompts) != 1 || !w.prompts[0].New || len(w.notes) != 1 {
		t.Errorf("prompts %+v, notes %q, want one prompt for a new passphrase and one note", w.prompts, w.notes)
	}
}

// TestSealedCreatedByFirstPut checks that the first Put creates the store. Reading must not create the store or
// prompt.
func TestSealedCreatedByFirstPut(t *testing.T) {
	w := newSealedFixture(t)
	k := mustOpen(t, w.Config)
	testMissing(t, k.Keys)
	if names, err := k.Private.Names(t.Context()); err != nil || len(names) != 0 || len(w.prompts) != 0 {
		t.Errorf("names %q, %v, after %d prompts", names, err, len(w.prompts))
	}
	if err := k.Keys.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(w.SealedDir); err == nil {
		t.Error("Check wrote something")
	}
	mustPut(t, k.Keys, testItem("prod"))
	other := mustOpen(t, w.Config)
	if it, err := other.Keys.Item(t.Context(), "prod"); err != nil || it.Name != "prod" {
		t.Errorf("another process reads %v, %v", it.Name, err)
	}
	if len(w.prompts) != 2 || w.prompts[1].New {
		t.Errorf("prompts %+v, want one for a new passphrase and one for the existing one", w.prompts)
	}
	w.Openers = sealed.UnlockOptions{}
	locked := mustOpen(t, w.Config)
	for name, err := range map[string]error{
		"Item":  func() error { _, err := locked.Keys.Item(t.Context(), "prod"); return err }(),
		"Names": func() error { _, err := locked.Private.Names(t.Context()); return err }(),
		"Check": locked.Keys.Check(t.Context()),
		"Put":   locked.Keys.Put(t.Context(), testItem("dev")),
	} {
		if !errors.Is(err, ErrLocked) {
			t.Errorf("%s without an opener: %v, want %v", name, err, ErrLocked)
		}
	}
}

func TestSealedCreatedByAnotherProcess(t *testing.T) {
	w := newSealedFixture(t)
	one, two := mustOpen(t, w.Config), mustOpen(t, w.Config)
	if err := two.Keys.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	mustPut(t, one.Keys, testItem("prod"))
	mustPut(t, two.Keys, testItem("dev"))
	if names, err := one.Keys.Names(t.Context()); err != nil || !slices.Equal(names, []string{"dev", "prod"}) {
		t.Errorf("names %q, %v", names, err)
	}
	unattended := newSealedFixture(t)
	unattended.Openers = sealed.UnlockOptions{}
	if err := mustOpen(t, unattended.Config).Keys.Put(t.Context(), testItem("x")); !errors.Is(err, sealed.ErrNoStore) || errors.Is(err, ErrLocked) {
		t.Errorf("Put without a store and without a prompt: %v, want %v", err, sealed.ErrNoStore)
	}
}

// TestSealedUnlocked checks that a stored unlocked key opens the store without a prompt. After the master key has
// been replaced, the stored key must not open the store.
func TestSealedUnlocked(t *testing.T) {
	w := newSealedFixture(t)
	mustPut(t, mustOpen(t, w.Config).Keys, testItem("prod"))
	config, err := w.Sealed()
	if err != nil {
		t.Fatal(err)
	}
	s, err := sealed.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	h := s.Header()
	master, err := s.Unlock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	name := UnlockedKeyName(h.Store)
	err = unlocked.Put(name, unlocked.Key{ID: h.Key, Secret: master, Until: time.Now().Add(time.Hour)}, time.Now())
	if errors.Is(err, unlocked.ErrUnsupported) {
		t.Skip("the kernel provides no keyring")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer unlocked.Remove(name)
	w.Openers = sealed.UnlockOptions{}
	if it, err := mustOpen(t, w.Config).Keys.Item(t.Context(), "prod"); err != nil || it.Name != "prod" {
		t.Errorf("unlocked: %v, %v", it.Name, err)
	}
	if err := s.Rekey(t.Context(), nil, func(sealed.Opener) bool { return true }); err != nil {
		t.Fatal(err)
	}
	if _, err := mustOpen(t, w.Config).Keys.Item(t.Context(), "prod"); !errors.Is(err, ErrLocked) {
		t.Errorf("after the master key was replaced: %v, want %v", err, ErrLocked)
	}
}

func TestSealedIsDefault(t *testing.T) {
	old := backends
	defer func() { backends = old }()
	backends = func(Config) []backend {
		return []backend{{name: SealedBackend, open: openSealed}, {name: fileBackend, open: openFile}}
	}
	for _, test := range []struct {
		name                      string
		exists, files, passphrase bool
		want                      string
	}{
		{"no keystore exists", false, false, false, SealedBackend},
		{"a store", true, false, false, SealedBackend},
		{"a store, and the file keystore's passphrase", true, false, true, SealedBackend},
		{"a file keystore", false, true, false, fileBackend},
		{"both", true, true, false, fileBackend},
		{"the passphrase of a file keystore", false, false, true, fileBackend},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newSealedFixture(t)
			if test.exists {
				mustPut(t, mustOpen(t, w.Config).Keys, testItem("prod"))
			}
			w.Backend, w.Passphrase = "", passphraseAnswer(testPassphrase)
			w.Getenv = func(name string) (string, bool) { return "x", test.passphrase && name == filePassphrase }
			if test.files {
				if err := os.MkdirAll(w.FileDir, 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(w.FileDir, "prod"), nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if k := mustOpen(t, w.Config); k.Name != test.want {
				t.Errorf("opened %s, want %s (skipped %v)", k.Name, test.want, k.Skipped)
			}
		})
	}
}

func TestCheckSealed(t *testing.T) {
	w := newSealedFixture(t)
	k := mustOpen(t, w.Config)
	if found, err := CheckSealed(t.Context(), k); err != nil || len(found) > 0 {
		t.Errorf("no store: %v, %v", found, err)
	}
	mustPut(t, k.Keys, testItem("prod"), testItem("dev"))
	all, err := filepath.Glob(filepath.Join(w.SealedDir, "items-*", "*"))
	if err != nil || len(all) != 2 {
		t.Fatal(all, err)
	}
	data, err := os.ReadFile(all[0])
	if err == nil {
		data[len(data)-1] ^= 1
		err = os.WriteFile(all[0], data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	if found, err := CheckSealed(t.Context(), k); err != nil || len(found) != 1 {
		t.Errorf("found %v, %v, want one", found, err)
	}
	read := 0
	for _, name := range []string{"prod", "dev"} {
		_, err := k.Keys.Item(t.Context(), name)
		var damaged *DamagedError
		switch {
		case err == nil:
			read++
		case !errors.As(err, &damaged) || damaged.Name != name || damaged.Where != w.SealedDir:
			t.Errorf("%s: %v, want a *DamagedError", name, err)
		}
	}
	if read != 1 {
		t.Errorf("%d items are readable, want the undamaged one", read)
	}
	if err := os.WriteFile(filepath.Join(w.SealedDir, "store"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(w.SealedDir, "store.copy"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w.Backend = ""
	if _, err := openSealed(t.Context(), w.Config); err == nil {
		t.Error("a store that cannot be read was skipped")
	}
	if found, err := CheckSealed(t.Context(), &Keystore{Keys: &fileRing{}}); err != nil || found != nil {
		t.Errorf("another keystore: %v, %v", found, err)
	}
}

func TestSealedDir(t *testing.T) {
	c := Config{Home: "/home/alice", Getenv: func(name string) (string, bool) {
		return map[string]string{"XDG_DATA_HOME": "/data"}[name], true
	}}
	if dir, err := c.sealedDir(); err != nil || dir != filepath.FromSlash("/data/aws-vault/sealed") {
		t.Errorf("%s, %v", dir, err)
	}
	c.Getenv = nil
	if dir, err := c.sealedDir(); err != nil || !strings.HasPrefix(dir, filepath.FromSlash("/home/alice/")) {
		t.Errorf("%s, %v", dir, err)
	}
}

// TestSealedWithoutState checks that, without a state folder, Check and Put fail without a prompt. Writers cannot
// lock the store without that folder.
func TestSealedWithoutState(t *testing.T) {
	w := newSealedFixture(t)
	mustPut(t, mustOpen(t, w.Config).Keys, testItem("prod"))
	before := len(w.prompts)
	w.State = nil
	k := mustOpen(t, w.Config)
	if err := k.Keys.Check(t.Context()); !errors.Is(err, disk.ErrNoFolder) {
		t.Errorf("Check returned %v, want %v", err, disk.ErrNoFolder)
	}
	if err := k.Keys.Put(t.Context(), testItem("dev")); !errors.Is(err, disk.ErrNoFolder) {
		t.Errorf("Put returned %v, want %v", err, disk.ErrNoFolder)
	}
	if len(w.prompts) != before {
		t.Error("there was a prompt although nothing can be written")
	}
	if _, err := k.Keys.Item(t.Context(), "prod"); err != nil {
		t.Errorf("the key cannot be read: %v", err)
	}
}
