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

// derived is how many derivations act takes.
func derived(act func()) int64 {
	before := derivations.Load()
	act()
	return derivations.Load() - before
}

// ready waits until what was begun is there, and leaves it there.
func (s *spare) ready(t *testing.T) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.made == nil {
		t.Fatal("nothing was begun")
	}
	w, ok := <-s.made
	if !ok {
		t.Fatal("what was begun has failed")
	}
	s.made = make(chan wrapping, 1)
	s.made <- w
}

func TestSpare(t *testing.T) {
	var s spare
	if n := derived(func() { s.begin("p") }); n != 0 || s.made != nil {
		t.Errorf("%d derivations for an item that nobody expects", n)
	}
	s.want()
	if n := derived(func() { s.begin("p"); s.begin("p"); s.ready(t) }); n != 1 {
		t.Errorf("%d derivations for an item that is expected, want 1", n)
	}
	if n := derived(func() { s.take("p") }); n != 0 {
		t.Errorf("%d derivations to take what is there", n)
	}
	if n := derived(func() { s.take("p") }); n != 1 {
		t.Errorf("%d derivations to take what nobody expected, want 1", n)
	}
	s.want()
	s.begin("q")
	s.ready(t)
	if n := derived(func() { s.take("p") }); n != 1 {
		t.Errorf("%d derivations to take another passphrase's, want 1", n)
	}
}

// A salt is for one item.
func TestSpareIsTakenOnce(t *testing.T) {
	const items = 20
	var s spare
	var all sync.WaitGroup
	salts := make([]string, items)
	for i := range salts {
		s.want()
		s.begin("p")
		all.Go(func() {
			w, err := s.take("p")
			if err != nil {
				t.Error(err)
			}
			salts[i] = string(w.salt)
		})
	}
	all.Wait()
	if slices.Sort(salts); len(slices.Compact(salts)) != items || s.wanted != 0 {
		t.Errorf("%d salts for %d items, and %d that are still expected", len(slices.Compact(salts)), items, s.wanted)
	}
}

// Where a session was opened and another is to be kept, nothing is left to derive once it is
// there: neither to seal it nor to see that the answer is that of the keys.
func TestExpectedItem(t *testing.T) {
	c := fileConfig(t, testPassphrase)
	first := mustOpen(t, c)
	mustPut(t, first.Keys, testItem("key"))
	mustPut(t, first.Private, testItem("session"))
	pass := keysOf(mustOpen(t, c)).pass
	asked := 0
	pass.ask = func(context.Context, PassphraseAsk) (string, error) { asked++; return testPassphrase, nil }
	private := &fileRing{dir: c.privateDir(fileBackend, c.FileDir), config: c, pass: pass}

	pass.spare.want()
	pass.begin() // there is no answer yet
	if _, err := private.Item(t.Context(), hide("session")); err != nil {
		t.Fatal(err)
	}
	pass.spare.ready(t)
	pass.try()
	if n := derived(func() { mustPut(t, private, testItem("another")) }); n != 0 {
		t.Errorf("%d derivations to put what was expected", n)
	}
	if asked != 1 {
		t.Errorf("asked %d times, want once", asked)
	}
}

// A wrong answer is found out without a question, and stays what it was: an answer.
func TestTryAsksNobody(t *testing.T) {
	c := fileConfig(t, testPassphrase)
	mustPut(t, mustOpen(t, c).Keys, testItem("key"))
	pass := keysOf(mustOpen(t, c)).pass
	pass.ask = func(context.Context, PassphraseAsk) (string, error) { return "wrong", nil }
	if text, err := pass.guess(t.Context()); text != "wrong" || err != nil {
		t.Fatal(text, err)
	}
	pass.ask = func(context.Context, PassphraseAsk) (string, error) {
		t.Error("asked")
		return "", errors.New("nobody")
	}
	pass.try()
	if pass.known {
		t.Error("a wrong passphrase is taken for the right one")
	}
}

// Expect does not wait for who is being asked.
func TestExpectDoesNotWait(t *testing.T) {
	c := fileConfig(t, testPassphrase)
	k := mustOpen(t, c)
	pass := keysOf(k).pass
	give, err := pass.turn.Lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	k.Expect()
	give()
	mustPut(t, k.Private, testItem("session"))
}

func keysOf(k *Keystore) *fileRing { return k.Keys.(*fileRing) }
