package keystore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
)

func TestFilePassphrasePrompts(t *testing.T) {
	c := fileConfig(t, "")
	var prompts []PassphrasePrompt
	script := []string{}
	c.Passphrase = func(_ context.Context, prompt PassphrasePrompt) (string, error) {
		prompts = append(prompts, prompt)
		text := script[0]
		script = script[1:]
		return text, nil
	}
	steps := []struct {
		name    string
		script  []string
		act     func(*Keystore) error
		prompts string // the expected fields New and Wrong of each prompt, as text
		want    error
	}{
		{"first use", []string{"p"}, func(k *Keystore) error { return putBoth(k, "a") }, "[true 0]", nil},
		{"again", []string{"p"}, func(k *Keystore) error { return putBoth(k, "b") }, "[false 0]", nil},
		{"checking", []string{"p"}, func(k *Keystore) error { return k.Keys.Check(context.Background()) }, "[false 0]", nil},
		{"listing", nil, func(k *Keystore) error { _, err := k.Keys.Names(context.Background()); return err }, "", nil},
		{"stamping", nil, func(k *Keystore) error { _, err := k.Keys.Stamp(context.Background(), "a"); return err }, "", nil},
		{"mistyped twice", []string{"x", "y", "p"}, func(k *Keystore) error { return putBoth(k, "b") }, "[false 0][false 1][false 2]", nil},
		{"wrong", []string{"x", "y", "z"}, func(k *Keystore) error { return putBoth(k, "c") }, "[false 0][false 1][false 2]", ErrWrongPassphrase},
		{"wrong and repeated", []string{"x", "x", "x"}, func(k *Keystore) error { return putBoth(k, "c") }, "[false 0][false 1]", ErrWrongPassphrase},
		{"wrong on reading", []string{"x", "x"}, readKey("a"), "[false 0][false 1]", ErrWrongPassphrase},
		{"wrong on reading private", []string{"x", "x"}, readPrivate("a"), "[false 0][false 1]", ErrWrongPassphrase},
		{"missing", nil, readKey("missing"), "", ErrNotFound},
	}
	for _, step := range steps {
		t.Run(step.name, func(t *testing.T) {
			prompts, script = nil, step.script
			if err := step.act(mustOpen(t, c)); !errors.Is(err, step.want) {
				t.Errorf("returned %v, want %v", err, step.want)
			}
			got := ""
			for _, prompt := range prompts {
				got += fmt.Sprintf("[%v %d]", prompt.New, prompt.Wrong)
				if prompt.Dir != c.FileDir {
					t.Errorf("the prompt was for %q, want %q", prompt.Dir, c.FileDir)
				}
			}
			if got != step.prompts {
				t.Errorf("the prompts were %s, want %s", got, step.prompts)
			}
		})
	}
	if names, err := mustOpen(t, c).Keys.Names(t.Context()); err != nil || !slices.Equal(names, []string{"a", "b"}) {
		t.Errorf("at the end, Names = %q, %v", names, err)
	}
}

// putBoth writes an item to Keys and to Private.
func putBoth(k *Keystore, name string) error {
	if err := k.Keys.Put(context.Background(), testItem(name)); err != nil {
		return err
	}
	return k.Private.Put(context.Background(), testItem(name))
}

func readKey(name string) func(*Keystore) error {
	return func(k *Keystore) error { _, err := k.Keys.Item(context.Background(), name); return err }
}

func readPrivate(name string) func(*Keystore) error {
	return func(k *Keystore) error { _, err := k.Private.Item(context.Background(), name); return err }
}

func TestFilePassphrasePromptFails(t *testing.T) {
	c := fileConfig(t, testPassphrase)
	broken := errors.New("the user canceled the prompt")
	c.Passphrase = func(context.Context, PassphrasePrompt) (string, error) { return "", broken }
	if err := mustOpen(t, c).Keys.Put(t.Context(), testItem("prod")); !errors.Is(err, broken) {
		t.Errorf("Put returned %v, want %v", err, broken)
	}
	c.Passphrase = nil
	if err := mustOpen(t, c).Keys.Check(t.Context()); err == nil {
		t.Error("Check succeeded without a prompt")
	}
	if _, err := os.Stat(c.FileDir); err == nil {
		t.Error("a directory was created without a passphrase")
	}
}

// TestFilePassphraseOnce opens items from many goroutines during the first prompt. There must be no second
// prompt.
func TestFilePassphraseOnce(t *testing.T) {
	c := fileConfig(t, testPassphrase)
	mustPut(t, mustOpen(t, c).Keys, testItem("prod"))
	prompted := make(chan struct{}, 100)
	c.Passphrase = func(context.Context, PassphrasePrompt) (string, error) {
		prompted <- struct{}{}
		return testPassphrase, nil
	}
	k := mustOpen(t, c)
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			if _, err := k.Keys.Item(context.Background(), "prod"); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if len(prompted) != 1 {
		t.Errorf("%d prompts, want 1", len(prompted))
	}
}

// TestFilePassphraseWaitCanceled calls Check with a canceled context while another call prompts. Check must return
// without waiting for the prompt.
func TestFilePassphraseWaitCanceled(t *testing.T) {
	c := fileConfig(t, testPassphrase)
	prompted, answered := make(chan struct{}), make(chan struct{})
	c.Passphrase = func(context.Context, PassphrasePrompt) (string, error) {
		close(prompted)
		<-answered
		return testPassphrase, nil
	}
	k, done := mustOpen(t, c), make(chan error)
	go func() { done <- k.Keys.Check(context.Background()) }()
	<-prompted
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := k.Private.Check(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Check with a canceled context returned %v", err)
	}
	close(answered)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestFilePassphraseRace writes the keystore's first item while the user is prompted for a new passphrase. The
// user's answer must then be verified on that item.
func TestFilePassphraseRace(t *testing.T) {
	c := fileConfig(t, testPassphrase)
	other, prompts := mustOpen(t, c), 0
	c.Passphrase = func(ctx context.Context, prompt PassphrasePrompt) (string, error) {
		if prompts++; prompts == 1 {
			mustPut(t, other.Keys, testItem("first"))
			return "something else", nil
		}
		return testPassphrase, nil
	}
	mustPut(t, mustOpen(t, c).Keys, testItem("second"))
	if prompts != 2 {
		t.Errorf("%d prompts, want 2", prompts)
	}
	wantItem(t, other.Keys, testItem("second"), ringTest{})
}

// TestFileStalePrivate replaces all keys with keys that are encrypted with a new passphrase. The older private
// items keep the old passphrase. The new passphrase must not open these private items. The old passphrase must not
// be used for new keys, although it opens private items.
func TestFileStalePrivate(t *testing.T) {
	c := fileConfig(t, "old passphrase")
	mustPut(t, mustOpen(t, c).Private, testItem("session"))
	c.Passphrase = passphraseAnswer(testPassphrase)
	if err := mustOpen(t, c).Keys.Put(t.Context(), testItem("prod")); !errors.Is(err, ErrWrongPassphrase) {
		t.Errorf("Put returned %v, want %v", err, ErrWrongPassphrase)
	}
	other := fileConfig(t, testPassphrase)
	mustPut(t, mustOpen(t, other).Keys, testItem("prod"))
	if err := os.Rename(other.FileDir, c.FileDir); err != nil {
		t.Fatal(err)
	}
	k := mustOpen(t, c)
	_, err := k.Private.Item(t.Context(), "session")
	var damaged *DamagedError
	if !errors.As(err, &damaged) || damaged.Name != "session" || !errors.Is(err, ErrWrongPassphrase) {
		t.Errorf("Item returned %v, want a *DamagedError for %v", err, ErrWrongPassphrase)
	}
	c.Passphrase = passphraseAnswer("old passphrase")
	k = mustOpen(t, c)
	wantItem(t, k.Private, testItem("session"), ringTest{})
	for _, ring := range []Ring{k.Keys, k.Private} {
		if err := ring.Put(t.Context(), testItem("new")); !errors.Is(err, ErrWrongPassphrase) {
			t.Errorf("Put after the old passphrase opened an item returned %v, want %v", err, ErrWrongPassphrase)
		}
	}
}

// TestPrivateItemNeedsOneDerivation checks that opening a private item reads no keys. Each command with a cached
// session opens a private item, so opening must be fast.
func TestPrivateItemNeedsOneDerivation(t *testing.T) {
	c := fileConfig(t, testPassphrase)
	k := mustOpen(t, c)
	mustPut(t, k.Keys, testItem("prod"))
	mustPut(t, k.Private, testItem("session"))
	k = mustOpen(t, c)
	pass := k.Keys.(*fileRing).pass
	reads, prompts := 0, 0
	samples, prompt := pass.samples, pass.prompt
	pass.samples = func() []*jwe { reads++; return samples() }
	pass.prompt = func(ctx context.Context, a PassphrasePrompt) (string, error) { prompts++; return prompt(ctx, a) }
	wantItem(t, k.Private, testItem("session"), ringTest{})
	if reads != 0 || prompts != 1 {
		t.Errorf("the keys were read %d times, with %d prompts, want 0 and 1", reads, prompts)
	}
	wantItem(t, k.Keys, testItem("prod"), ringTest{})
	if reads != 0 || prompts != 1 {
		t.Errorf("other keys were read %d times to open one, with %d prompts, want 0 and 1", reads, prompts)
	}
	k.Keys.(*fileRing).pass.verified = false
	mustPut(t, k.Private, testItem("another"))
	if reads == 0 || prompts != 1 {
		t.Errorf("the keys were read %d times before a write, with %d prompts, want at least 1 and 1", reads, prompts)
	}
}

// TestFileDerivations counts key derivations, which take most of a command's time.
func TestFileDerivations(t *testing.T) {
	c := fileConfig(t, testPassphrase)
	k := mustOpen(t, c)
	mustPut(t, k.Keys, testItem("prod"))
	mustPut(t, k.Private, testItem("session"))
	for name, act := range map[string]func(*Keystore) int64{
		"a session": func(k *Keystore) int64 { wantItem(t, k.Private, testItem("session"), ringTest{}); return 1 },
		"a key":     func(k *Keystore) int64 { wantItem(t, k.Keys, testItem("prod"), ringTest{}); return 1 },
		"a key and a session, several times": func(k *Keystore) int64 {
			for range 3 {
				wantItem(t, k.Keys, testItem("prod"), ringTest{})
				wantItem(t, k.Private, testItem("session"), ringTest{})
			}
			return 2
		},
		"a key, and a new session": func(k *Keystore) int64 {
			wantItem(t, k.Keys, testItem("prod"), ringTest{})
			mustPut(t, k.Private, testItem("another"))
			return 2
		},
	} {
		before := derivations.Load()
		want := act(mustOpen(t, c))
		if got := derivations.Load() - before; got != want {
			t.Errorf("%s: %d derivations, want %d", name, got, want)
		}
	}
}

// TestPrivateItemWrongPassphrase checks that there is a second prompt if the first answer opens neither the
// item nor a key.
func TestPrivateItemWrongPassphrase(t *testing.T) {
	c := fileConfig(t, testPassphrase)
	k := mustOpen(t, c)
	mustPut(t, k.Keys, testItem("prod"))
	mustPut(t, k.Private, testItem("session"))
	var wrong []int
	c.Passphrase = func(_ context.Context, a PassphrasePrompt) (string, error) {
		if wrong = append(wrong, a.Wrong); a.Wrong == 0 {
			return "mistyped", nil
		}
		return testPassphrase, nil
	}
	wantItem(t, mustOpen(t, c).Private, testItem("session"), ringTest{})
	if !slices.Equal(wrong, []int{0, 1}) {
		t.Errorf("the prompts reported %v wrong answers, want 0 and 1", wrong)
	}
}

// TestFileSeveralPassphrases reads an item that is encrypted with another passphrase than all other items.
// aws-vault 7 allows several passphrases in one directory. The directory has more than maxSamples items.
func TestFileSeveralPassphrases(t *testing.T) {
	c := fileConfig(t, "second passphrase")
	mustPut(t, mustOpen(t, c).Keys, testItem("z"))
	sealed, err := os.ReadFile(filepath.Join(c.FileDir, "z"))
	if err != nil {
		t.Fatal(err)
	}
	others := fileConfig(t, testPassphrase)
	k := mustOpen(t, others)
	for i := range maxSamples + 1 {
		mustPut(t, k.Keys, testItem(fmt.Sprint("item ", i)))
	}
	if err := os.WriteFile(filepath.Join(others.FileDir, "z"), sealed, 0o600); err != nil {
		t.Fatal(err)
	}
	others.Passphrase = passphraseAnswer("second passphrase")
	wantItem(t, mustOpen(t, others).Keys, testItem("z"), ringTest{})
}
