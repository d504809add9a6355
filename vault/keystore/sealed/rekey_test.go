package sealed

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"aws-vault/vault/disk"
)

func TestRemovedCard(t *testing.T) {
	w := newFixture(t)
	put(t, w.create(t), key("prod"), key("dev"))
	w.options = w.withCards(map[string]*testCard{"one": w.one})
	s := w.reopen(t)
	before := s.Header()
	stamp, err := s.Stamp(t.Context(), "key", "prod")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Rekey(t.Context(), nil, func(o Opener) bool { return o.Name != "two" }); err != nil {
		t.Fatal(err)
	}
	if after, err := s.Stamp(t.Context(), "key", "prod"); err != nil || after != stamp {
		t.Errorf("the stamp changed from %q to %q without a write: %v", stamp, after, err)
	}
	after := s.Header()
	if after.Key == before.Key || after.Generation != before.Generation+1 || after.Fingerprint() == before.Fingerprint() {
		t.Errorf("the header changed from %+v to %+v", before, after)
	}
	wantItem(t, s, key("prod"))
	wantItem(t, w.reopen(t), key("dev"))
	w.options = w.withCards(map[string]*testCard{"two": w.two})
	w.two.touches = 0
	if _, err := w.reopen(t).Item(t.Context(), "key", "prod"); !errors.Is(err, ErrNoOpener) || w.two.touches != 0 {
		t.Errorf("the removed card: %v, %d touches", err, w.two.touches)
	}
	// The removed card must not decrypt the new envelope, even if someone adds the card to the list of openers
	// again.
	if _, err := openOnCard(after.Envelope, before.Openers[1], w.two); err == nil || w.two.touches != 0 {
		t.Errorf("the removed card decrypted the envelope: %v, %d touches", err, w.two.touches)
	}
	if dirs, _ := filepath.Glob(filepath.Join(w.config.Dir, itemsDir+"*")); len(dirs) != 1 {
		t.Errorf("old items remain: %q", dirs)
	}
	if err := s.Rekey(t.Context(), nil, func(Opener) bool { return false }); err == nil {
		t.Error("Rekey removed the last opener")
	}
}

// TestForgedOpener adds an attacker's opener to the list of openers. The forgery must be detected before any key
// is encrypted for that opener.
func TestForgedOpener(t *testing.T) {
	w := newFixture(t)
	put(t, w.create(t), key("prod"))
	w.options = w.withCards(map[string]*testCard{"one": w.one})
	open := w.reopen(t)
	wantItem(t, open, key("prod"))
	attacker := newTestCard(t)
	forged := open.Header()
	forged.Openers = append(forged.Openers, attacker.opener(t, "attacker").Opener)
	data, err := forged.encode(newMasterKey()) // encoded with another master key, but with a valid checksum
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{headerFile, copyFile} {
		if err := os.WriteFile(filepath.Join(w.config.Dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, s := range map[string]*Store{"an unlocked store": open, "a newly opened store": w.reopen(t)} {
		for act, err := range map[string]error{
			"Add":   s.Add(t.Context(), newTestCard(t).opener(t, "mine"), nil),
			"Rekey": s.Rekey(t.Context(), nil, func(Opener) bool { return true }),
			"Put":   s.Put(t.Context(), key("dev")),
		} {
			var damaged *DamagedError
			if !errors.As(err, &damaged) || !errors.Is(err, ErrForged) {
				t.Errorf("%s: %s: %v, want %v", name, act, err, ErrForged)
			}
		}
	}
	if now, _ := os.ReadFile(filepath.Join(w.config.Dir, headerFile)); !bytes.Equal(now, data) {
		t.Error("the forged header was changed")
	}
}

func TestAddErrors(t *testing.T) {
	w := newFixture(t)
	s := w.create(t)
	fresh := newTestCard(t).opener(t, "fresh")
	for name, o := range map[string]NewOpener{
		"an existing name":             {Opener: Opener{Name: "one", Kind: Card, Recipient: fresh.Recipient}},
		"an existing key":              {Opener: Opener{Name: "other", Kind: Card, Recipient: w.one.opener(t, "x").Recipient}},
		"an invalid name":              {Opener: Opener{Name: "a b", Kind: Card, Recipient: fresh.Recipient}},
		"no passphrase":                {Opener: Opener{Name: "p", Kind: Passphrase}},
		"no recipient":                 {Opener: Opener{Name: "p", Kind: Card}},
		"a recipient of another kind":  {Opener: Opener{Name: "p", Kind: Recovery, Recipient: fresh.Recipient}},
		"an unknown kind":              {Opener: Opener{Name: "p", Kind: "finger", Recipient: fresh.Recipient}},
		"a plugin without an identity": {Opener: Opener{Name: "p", Kind: Plugin, Recipient: "age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl3t"}},
	} {
		var refused *OpenerError
		if err := s.Add(t.Context(), o, nil); !errors.As(err, &refused) {
			t.Errorf("%s: %v, want an *OpenerError", name, err)
		}
	}
	if err := s.Add(t.Context(), fresh, nil); err != nil {
		t.Fatal(err)
	}
	if h := w.reopen(t).Header(); len(h.Openers) != 5 {
		t.Errorf("%d openers, want 5", len(h.Openers))
	}
}

// Some tests run the test binary again, as a process that kills itself during Rekey. Environment variables
// configure that process. If the process fails to kill itself, it exits with the code in the constant killed.
const (
	killDir   = "SEALED_TEST_KILL_DIR"
	killAt    = "SEALED_TEST_KILL_AT"
	killWords = "SEALED_TEST_KILL_WORDS"
	killed    = 86
)

// rekeyUntilKilled removes the opener "two". It counts two moments per change of the disk: before and after the
// change. At the n-th moment, it kills its own process.
func rekeyUntilKilled() {
	n, _ := strconv.Atoi(os.Getenv(killAt))
	instant := func() {
		if n--; n == 0 {
			self, err := os.FindProcess(os.Getpid())
			if err == nil && self.Kill() == nil {
				select {}
			}
			os.Exit(killed)
		}
	}
	around := func(f func() error) error {
		instant()
		defer instant()
		return f()
	}
	dir := os.Getenv(killDir)
	c := Config{Dir: dir, Lock: lockAt(dir + ".lock/lock")}
	c.Unlock = func(ctx context.Context, h *Header) (MasterKey, error) {
		return h.OpenMasterKey(ctx, dir, UnlockOptions{Only: "paper", Words: func(context.Context, string) (string, error) { return os.Getenv(killWords), nil }})
	}
	s, err := Open(c)
	if err == nil {
		s.files.disk = diskCalls{
			write: func(f *disk.Folder, name string, data []byte) error {
				return around(func() error { return realDisk.write(f, name, data) })
			},
			remove: func(f *disk.Folder, name string) error {
				return around(func() error { return realDisk.remove(f, name) })
			},
			removeFolder: func(f *disk.Folder) error { return around(func() error { return realDisk.removeFolder(f) }) },
			mkdir:        func(f *disk.Folder) error { return around(func() error { return realDisk.mkdir(f) }) },
		}
		err = s.Rekey(context.Background(), nil, func(o Opener) bool { return o.Name != "two" })
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// TestKilledAtEachWrite kills Rekey before and after each change of the disk. The store must still open with all
// items, and the next write must remove the leftovers.
func TestKilledAtEachWrite(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	w := newFixture(t)
	items := []Item{key("prod"), key("dev"), {Kind: "private", Name: "session", Data: []byte("x")}}
	put(t, w.create(t), items...)
	original := w.config.Dir
	sawOld, sawNew := false, false
	for at, done := 1, false; !done; at++ {
		dir := filepath.Join(t.TempDir(), "sealed")
		if err := os.CopyFS(dir, os.DirFS(original)); err != nil {
			t.Fatal(err)
		}
		c := exec.Command(self)
		c.Env = append(os.Environ(), killDir+"="+dir, killAt+"="+strconv.Itoa(at), killWords+"="+w.words)
		out, err := c.CombinedOutput()
		if done = err == nil; !done && c.ProcessState.Exited() {
			t.Fatalf("at %d: %v: %s", at, err, out)
		}
		w.config.Dir, w.config.Lock, w.prompts = dir, lockAt(dir+".lock/lock"), 0
		w.config.Unlock = func(ctx context.Context, h *Header) (MasterKey, error) {
			return h.OpenMasterKey(ctx, dir, w.withPassphrase(testPassphrase))
		}
		s := w.reopen(t)
		for _, it := range items {
			wantItem(t, s, it)
		}
		has := slices.ContainsFunc(s.Header().Openers, func(o Opener) bool { return o.Name == "two" })
		sawOld, sawNew = sawOld || has, sawNew || !has
		put(t, s, key("later"))
		if found, err := s.Check(t.Context()); err != nil || len(found) > 0 {
			t.Errorf("killed at %d: %v, %v", at, found, err)
		}
		if left, _ := filepath.Glob(filepath.Join(dir, itemsDir+"*")); len(left) != 1 {
			t.Errorf("killed at %d: the next write left %q", at, left)
		}
		if at > 200 {
			t.Fatal("Rekey does not end")
		}
	}
	if !sawOld || !sawNew {
		t.Errorf("killed before the new header: %v, and after it: %v, want both", sawOld, sawNew)
	}
}

// TestFullDisk makes each disk write of Rekey fail in turn. The store must keep all items.
func TestFullDisk(t *testing.T) {
	full := errors.New("no space left on device")
	w := newFixture(t)
	w.options = w.withCards(map[string]*testCard{"one": w.one})
	put(t, w.create(t), key("prod"), key("dev"))
	failed := 0
	for at := 1; ; at++ {
		s, n := w.reopen(t), at
		s.files.disk.write = func(f *disk.Folder, name string, data []byte) error {
			if n--; n == 0 {
				return full
			}
			return realDisk.write(f, name, data)
		}
		err := s.Rekey(t.Context(), nil, func(Opener) bool { return true })
		wantItem(t, w.reopen(t), key("prod"))
		wantItem(t, w.reopen(t), key("dev"))
		wantItem(t, s, key("prod"))
		if err == nil {
			break
		}
		if failed++; !errors.Is(err, full) {
			t.Fatal(err)
		}
	}
	if failed < 4 {
		t.Errorf("%d writes failed, want one per item and header file", failed)
	}
}

// TestRekeyDamaged damages an item. Rekey must fail and change nothing.
func TestRekeyDamaged(t *testing.T) {
	w := newFixture(t)
	s := w.create(t)
	put(t, s, key("prod"), key("dev"))
	before := s.Header()
	path := s.files.items(&before).File(s.key.fileName(before.Store, "key", "dev"))
	if err := os.WriteFile(path, []byte(itemMagic), 0o600); err != nil {
		t.Fatal(err)
	}
	var damaged *DamagedError
	if err := s.Rekey(t.Context(), nil, func(Opener) bool { return true }); !errors.As(err, &damaged) || damaged.Path != path {
		t.Errorf("error %v, want a *DamagedError with the path %s", err, path)
	}
	if s.Header().Key != before.Key {
		t.Error("the master key was replaced")
	}
	wantItem(t, s, key("prod"))
	if dirs, _ := filepath.Glob(filepath.Join(w.config.Dir, itemsDir+"*")); len(dirs) != 1 {
		t.Errorf("new items remain: %q", dirs)
	}
}

func TestHeaderErrors(t *testing.T) {
	w := newFixture(t)
	h := w.create(t).Header()
	for name, change := range map[string]func(*Header){
		"another format":           func(h *Header) { h.Format = "aws-vault sealed 2" },
		"no store":                 func(h *Header) { h.Store = "" },
		"no key":                   func(h *Header) { h.Key = strings.ToUpper(h.Key) + "Z" },
		"no generation":            func(h *Header) { h.Generation = 0 },
		"no openers":               func(h *Header) { h.Openers = nil },
		"too many":                 func(h *Header) { h.Openers = make([]Opener, maxOpeners+1) },
		"an opener twice":          func(h *Header) { h.Openers = append(h.Openers, h.Openers[0]) },
		"an opener without a name": func(h *Header) { h.Openers[0].Name = "" },
	} {
		c := h.clone()
		change(&c)
		data, err := c.encode(newMasterKey())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parseHeader(data); err == nil {
			t.Errorf("%s: parseHeader accepted the header", name)
		}
	}
	data, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parseHeader(data); !errors.Is(err, errChecksum) {
		t.Errorf("without the MAC and the checksum: %v", err)
	}
}
