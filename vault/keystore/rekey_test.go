package keystore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// sealedUnder writes an item to its file without Put, because Put would refuse some of the passphrases.
func sealedUnder(t *testing.T, c Config, private bool, name, passphrase string) {
	t.Helper()
	k := mustOpen(t, c)
	keys, rest, err := fileRings(k)
	if err != nil {
		t.Fatal(err)
	}
	r, it := keys, testItem(name)
	if private {
		it = Item{Name: PrivateName(name), Data: encodePayload(testItem(name))}
		r = rest
	}
	w, err := newWrapping(passphrase)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := sealJWE(encodePayload(it), w, "")
	if err != nil {
		t.Fatal(err)
	}
	file, err := r.file(it.Name)
	if err == nil {
		err = r.dir.Write(file, []byte(sealed.String()))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestEmptyPassphraseCreatesNothing checks that a new file keystore rejects an empty passphrase and writes
// nothing.
func TestEmptyPassphraseCreatesNothing(t *testing.T) {
	for name, act := range map[string]func(*Keystore) error{
		"a key":   func(k *Keystore) error { return k.Keys.Put(context.Background(), testItem("a")) },
		"a check": func(k *Keystore) error { return k.Keys.Check(context.Background()) },
		"a session, after ExpectPut": func(k *Keystore) error {
			k.ExpectPut()
			k.Private.Item(context.Background(), "a")
			return k.Private.Put(context.Background(), testItem("a"))
		},
	} {
		c := fileConfig(t, "")
		c.Warn = func(err error) { t.Errorf("%s: unexpected warning: %v", name, err) }
		k := mustOpen(t, c)
		for range 3 {
			var empty *EmptyPassphraseError
			if err := act(k); !errors.As(err, &empty) || !empty.New || empty.Dir != c.FileDir {
				t.Errorf("%s: %v", name, err)
			}
		}
		for _, dir := range []string{c.FileDir, c.privateDir("file", c.FileDir).Path()} {
			if entries, _ := os.ReadDir(dir); len(entries) > 0 {
				t.Errorf("%s: wrote %v", name, entries)
			}
		}
		if err := EmptyPassphrase(k); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestEmptyPassphraseStillOpens checks that a file keystore with an empty passphrase can be read, with one
// warning. Check must reject new keys. Put must still write sessions and existing keys.
func TestEmptyPassphraseStillOpens(t *testing.T) {
	for _, private := range []bool{false, true} {
		c := fileConfig(t, "")
		sealedUnder(t, c, private, "a", "")
		if !private {
			sealedUnder(t, c, true, "session", "")
		}
		var warned []error
		c.Warn = func(err error) { warned = append(warned, err) }
		k := mustOpen(t, c)
		r := k.Keys
		if private {
			r = k.Private
		}
		for range 3 {
			if it, err := r.Item(t.Context(), "a"); err != nil || it.Name != "a" {
				t.Errorf("private %t: %+v, %v", private, it, err)
			}
		}
		var empty *EmptyPassphraseError
		if len(warned) != 1 || !errors.As(warned[0], &empty) || empty.New {
			t.Errorf("private %t: warnings %v", private, warned)
		}
		if err := k.Keys.Check(t.Context()); !errors.As(err, &empty) || empty.New {
			t.Errorf("private %t: Check allows a new key: %v", private, err)
		}
		if err := putBoth(k, "a"); err != nil {
			t.Errorf("private %t: %v", private, err)
		}
		if err := EmptyPassphrase(k); !errors.As(err, &empty) {
			t.Errorf("private %t: EmptyPassphrase returned %v", private, err)
		}
	}
	c := fileConfig(t, testPassphrase)
	c.Warn = func(err error) { t.Errorf("unexpected warning: %v", err) }
	k := mustOpen(t, c)
	if err := putBoth(k, "a"); err != nil {
		t.Fatal(err)
	}
	if err := EmptyPassphrase(k); err != nil {
		t.Error(err)
	}
	c.Passphrase = passphraseAnswer("")
	if _, err := mustOpen(t, c).Keys.Item(t.Context(), "a"); !errors.Is(err, ErrWrongPassphrase) {
		t.Errorf("the empty passphrase opens the item: %v", err)
	}
}

// A countedContext simulates a context that ends after a number of calls to Err. The field left is the number of
// remaining calls that return nil. After these calls, Err returns the result of the function then.
type countedContext struct {
	context.Context
	left int
	then func() error
}

func (c *countedContext) Err() error {
	if c.left--; c.left < 0 {
		return c.then()
	}
	return nil
}

func (c *countedContext) Done() <-chan struct{} { return nil }

func (c *countedContext) Value(any) any { return nil }

const rekeyItems = 20 // more than maxSamples, even without the private items

func manyItems(t *testing.T, c Config, passphrase string) {
	t.Helper()
	for i := range rekeyItems {
		sealedUnder(t, c, i < 2, fmt.Sprintf("item %02d", i), passphrase)
	}
}

// unopened returns the items that the passphrase does not open.
func unopened(t *testing.T, c Config, passphrase string) (names []string) {
	t.Helper()
	keys, private, err := fileRings(mustOpen(t, c))
	if err != nil {
		t.Fatal(err)
	}
	for i := range rekeyItems {
		name := fmt.Sprintf("item %02d", i)
		r, base := keys, name
		if i < 2 {
			r, base = private, PrivateName(name)
		}
		token, err := r.read(t.Context(), base)
		if err != nil {
			t.Fatal(err)
		}
		if j, err := parseJWE(token); err != nil {
			t.Fatal(err)
		} else if _, err := j.open(passphrase); err != nil {
			names = append(names, name)
		}
	}
	return names
}

func TestRekey(t *testing.T) {
	for _, old := range []string{"", "an old passphrase"} {
		c := fileConfig(t, old)
		manyItems(t, c, old)
		sealedUnder(t, c, false, "another", "a third passphrase")
		sealedUnder(t, c, true, "private", "a third passphrase")
		done, err := Rekey(t.Context(), mustOpen(t, c), "a new passphrase")
		if err != nil || done.Items != rekeyItems || !slices.Equal(done.UnreadableKeys, []string{"another"}) || done.UnreadablePrivate != 1 {
			t.Errorf("old passphrase %q: %+v, %v", old, done, err)
		}
		if names := unopened(t, c, "a new passphrase"); names != nil {
			t.Errorf("old passphrase %q: the new passphrase does not open %q", old, names)
		}
		if names := unopened(t, c, old); len(names) != rekeyItems {
			t.Errorf("old passphrase %q: it still opens all items except %q", old, names)
		}
		c.Passphrase = passphraseAnswer("a new passphrase")
		k := mustOpen(t, c)
		if err := k.Keys.Check(t.Context()); err != nil {
			t.Error(err)
		}
		for r, name := range map[Ring]string{k.Private: "item 00", k.Keys: "item 19"} {
			if it, err := r.Item(t.Context(), name); err != nil || string(it.Data) != string(testItem(name).Data) {
				t.Errorf("old passphrase %q: %s is %+v, %v", old, name, it, err)
			}
		}
	}
}

// TestRekeyInterrupted interrupts Rekey at many points. Rekey must lose no item, and a second Rekey must complete
// the work.
func TestRekeyInterrupted(t *testing.T) {
	const old, next = "", "a new passphrase"
	stopped := errors.New("stopped")
	for after, interrupted := 1, true; interrupted; after += 19 {
		c := fileConfig(t, old)
		manyItems(t, c, old)
		ctx := &countedContext{Context: context.Background(), left: after, then: func() error { return stopped }}
		_, err := Rekey(ctx, mustOpen(t, c), next)
		interrupted = err != nil
		if interrupted && !errors.Is(err, stopped) {
			t.Fatalf("interrupted after %d checks: %v", after, err)
		}
		toNext := unopened(t, c, next)
		for _, name := range unopened(t, c, old) {
			if slices.Contains(toNext, name) {
				t.Fatalf("interrupted after %d checks: no passphrase opens %s", after, name)
			}
		}
		c.Passphrase = passphraseAnswer(old)
		if !interrupted {
			c.Passphrase = passphraseAnswer(next)
		}
		if done, err := Rekey(t.Context(), mustOpen(t, c), next); err != nil || done.Items != rekeyItems || done.UnreadableKeys != nil || done.UnreadablePrivate != 0 {
			t.Fatalf("second Rekey after %d checks: %+v, %v", after, done, err)
		}
		if names := unopened(t, c, next); names != nil {
			t.Fatalf("second Rekey after %d checks: the new passphrase does not open %q", after, names)
		}
	}
}

// TestRekeyKeepsConcurrentWrite writes an item during Rekey, as another process could. If Rekey fails, it must not
// have overwritten that item.
func TestRekeyKeepsConcurrentWrite(t *testing.T) {
	c := fileConfig(t, "")
	sealedUnder(t, c, false, "a", "")
	before, err := os.ReadFile(filepath.Join(c.FileDir, "a"))
	if err != nil {
		t.Fatal(err)
	}
	for checks := 1; ; checks++ {
		if err := os.WriteFile(filepath.Join(c.FileDir, "a"), before, 0o600); err != nil {
			t.Fatal(err)
		}
		written := ""
		ctx := &countedContext{Context: context.Background(), left: checks}
		ctx.then = func() error {
			if written == "" {
				sealedUnder(t, c, false, "a", "")
				text, _ := os.ReadFile(filepath.Join(c.FileDir, "a"))
				written = string(text)
			}
			return nil
		}
		_, err := Rekey(ctx, mustOpen(t, c), "a new passphrase")
		if written == "" {
			if checks < 3 {
				t.Fatal("no item was written during the Rekey")
			}
			return
		}
		now, _ := os.ReadFile(filepath.Join(c.FileDir, "a"))
		if err != nil && string(now) != written {
			t.Errorf("written after %d checks: %v, and the written item was lost", checks, err)
		}
		if j, parseErr := parseJWE(string(now)); parseErr != nil {
			t.Error(parseErr)
		} else if _, openErr := j.open("a new passphrase"); err == nil && openErr != nil {
			t.Errorf("written after %d checks: no error, but the item has the old passphrase", checks)
		}
	}
}

func TestRekeyErrors(t *testing.T) {
	c := fileConfig(t, testPassphrase)
	manyItems(t, c, testPassphrase)
	var empty *EmptyPassphraseError
	if _, err := Rekey(t.Context(), mustOpen(t, c), ""); !errors.As(err, &empty) {
		t.Error(err)
	}
	c.Passphrase = passphraseAnswer("wrong")
	if _, err := Rekey(t.Context(), mustOpen(t, c), "a new passphrase"); !errors.Is(err, ErrWrongPassphrase) {
		t.Error(err)
	}
	if names := unopened(t, c, testPassphrase); names != nil {
		t.Errorf("the items %q were changed", names)
	}
	var other *NotRekeyableError
	k := &Keystore{Name: "pass", Keys: privateRing{}, Private: privateRing{}}
	if _, err := Rekey(t.Context(), k, "a new passphrase"); !errors.As(err, &other) || EmptyPassphrase(k) != nil {
		t.Error(err)
	}
}
