package keystore

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
)

func newTestWrapping(t *testing.T) wrapping {
	t.Helper()
	w, err := newWrapping(testPassphrase)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// countDerivations calls the function act and returns the number of derivations during the call.
func countDerivations(act func()) int64 {
	before := derivations.Load()
	act()
	return derivations.Load() - before
}

// waitReady waits until the derivation is done. It does not use up the derived key.
func (s *precomputed) waitReady(t *testing.T) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.result == nil {
		t.Fatal("no derivation was started")
	}
	w, ok := <-s.result
	if !ok {
		t.Fatal("the derivation failed")
	}
	s.result = make(chan wrapping, 1)
	s.result <- w
}

func TestPrecomputedWrapping(t *testing.T) {
	var s precomputed
	if n := countDerivations(func() { s.start("p") }); n != 0 || s.result != nil {
		t.Errorf("%d derivations without an announced item, want 0", n)
	}
	s.expect()
	if n := countDerivations(func() { s.start("p"); s.start("p"); s.waitReady(t) }); n != 1 {
		t.Errorf("%d derivations for an announced item, want 1", n)
	}
	if n := countDerivations(func() { s.get("p") }); n != 0 {
		t.Errorf("%d derivations to get a precomputed wrapping, want 0", n)
	}
	if n := countDerivations(func() { s.get("p") }); n != 1 {
		t.Errorf("%d derivations to get a wrapping that was not announced, want 1", n)
	}
	s.expect()
	s.start("q")
	s.waitReady(t)
	if n := countDerivations(func() { s.get("p") }); n != 1 {
		t.Errorf("%d derivations to get a wrapping for another passphrase, want 1", n)
	}
}

// TestPrecomputedWrappingIsUsedOnce checks that each item gets a different salt.
func TestPrecomputedWrappingIsUsedOnce(t *testing.T) {
	const items = 20
	var s precomputed
	var all sync.WaitGroup
	salts := make([]string, items)
	for i := range salts {
		s.expect()
		s.start("p")
		all.Go(func() {
			w, err := s.get("p")
			if err != nil {
				t.Error(err)
			}
			salts[i] = string(w.salt)
		})
	}
	all.Wait()
	if slices.Sort(salts); len(slices.Compact(salts)) != items || s.expected != 0 {
		t.Errorf("%d salts for %d items, and %d items still announced", len(slices.Compact(salts)), items, s.expected)
	}
}

// TestExpectedPutNeedsNoDerivation announces an item before Put. Put must then derive no key, neither to encrypt
// the item nor to verify the passphrase.
func TestExpectedPutNeedsNoDerivation(t *testing.T) {
	c := fileConfig(t, testPassphrase)
	first := mustOpen(t, c)
	mustPut(t, first.Keys, testItem("key"))
	mustPut(t, first.Private, testItem("session"))
	pass := fileKeys(mustOpen(t, c)).pass
	prompts := 0
	pass.prompt = func(context.Context, PassphrasePrompt) (string, error) { prompts++; return testPassphrase, nil }
	private := &fileRing{dir: c.privateDir(fileBackend, c.FileDir), config: c, pass: pass}

	pass.precomputed.expect()
	pass.precompute() // does nothing, because the user has not answered a prompt yet
	if _, err := private.Item(t.Context(), PrivateName("session")); err != nil {
		t.Fatal(err)
	}
	pass.precomputed.waitReady(t)
	pass.verify()
	if n := countDerivations(func() { mustPut(t, private, testItem("another")) }); n != 0 {
		t.Errorf("%d derivations to put an announced item, want 0", n)
	}
	if prompts != 1 {
		t.Errorf("%d prompts, want 1", prompts)
	}
}

// TestVerifyDoesNotPrompt checks that verify does not prompt after a wrong answer. The answer must stay
// unverified.
func TestVerifyDoesNotPrompt(t *testing.T) {
	c := fileConfig(t, testPassphrase)
	mustPut(t, mustOpen(t, c).Keys, testItem("key"))
	pass := fileKeys(mustOpen(t, c)).pass
	pass.prompt = func(context.Context, PassphrasePrompt) (string, error) { return "wrong", nil }
	if text, err := pass.unverified(t.Context()); text != "wrong" || err != nil {
		t.Fatal(text, err)
	}
	pass.prompt = func(context.Context, PassphrasePrompt) (string, error) {
		t.Error("there was a prompt")
		return "", errors.New("no response")
	}
	pass.verify()
	if pass.verified {
		t.Error("a wrong passphrase counts as verified")
	}
}

// TestExpectDoesNotWait checks that ExpectPut returns at once while another call holds promptLock.
func TestExpectDoesNotWait(t *testing.T) {
	c := fileConfig(t, testPassphrase)
	k := mustOpen(t, c)
	pass := fileKeys(k).pass
	release, err := pass.promptLock.Lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	k.ExpectPut()
	release()
	mustPut(t, k.Private, testItem("session"))
}

func fileKeys(k *Keystore) *fileRing { return k.Keys.(*fileRing) }
