package transfer

import (
	"context"
	"errors"
	"strings"
	"testing"

	"aws-vault/vault/disk"
	"aws-vault/vault/keystore"
	"aws-vault/vault/store"
)

func TestMove(t *testing.T) {
	for _, test := range []struct {
		name    string
		there   int // number of the key in the target keystore; -1 for no key
		m       Migration
		want    Moved
		arrived bool
	}{
		{"copied", -1, Migration{}, Moved{Copied, false}, true},
		{"moved", -1, Migration{Delete: true}, Moved{Copied, true}, true},
		{"another key is stored", 1, Migration{}, Moved{NotOverwritten, false}, false},
		{"another key is stored, and the original stays", 1, Migration{Delete: true}, Moved{NotOverwritten, false}, false},
		{"overwritten", 1, Migration{Overwrite: true, Delete: true}, Moved{Overwritten, true}, true},
		{"the same key is stored", 0, Migration{}, Moved{AlreadyStored, false}, true},
		{"the same key is stored, and the original is deleted", 0, Migration{Delete: true}, Moved{AlreadyStored, true}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := test.m
			m.From, m.To = keysIn(t, newKillableRing()), keysIn(t, newKillableRing())
			put(t, m.From, "alice", key(0))
			if test.there >= 0 {
				put(t, m.To, "alice", key(byte(test.there)))
			}
			got, err := m.Move(t.Context(), "alice")
			if err != nil || got != test.want {
				t.Errorf("Move returned %+v, %v, want %+v", got, err, test.want)
			}
			if holds(t, m.To, "alice", key(0)) != test.arrived {
				t.Errorf("the target has the key: %v, want %v", !test.arrived, test.arrived)
			}
			if holds(t, m.From, "alice", key(0)) == test.want.Deleted {
				t.Errorf("the key was deleted: %v, want %v", !test.want.Deleted, test.want.Deleted)
			}
		})
	}
}

// TestMoveKilled kills a migration at every possible point. At least one keystore must then hold the key, and a
// second run must complete the migration.
func TestMoveKilled(t *testing.T) {
	for acts, finished := 0, false; !finished; acts++ {
		from, to := newKillableRing(), newKillableRing()
		m := Migration{From: keysIn(t, from), To: keysIn(t, to), Delete: true}
		put(t, m.From, "alice", key(0))
		p := &callBudget{acts}
		from.budget, to.budget = p, p
		_, err := m.Move(t.Context(), "alice")
		if finished = err == nil; !finished && !errors.Is(err, errStopped) {
			t.Fatal(err)
		}
		p.left = -1
		if !holds(t, m.From, "alice", key(0)) && !holds(t, m.To, "alice", key(0)) {
			t.Fatalf("killed after %d steps: neither keystore has the key", acts)
		}
		if _, err := m.From.Key(t.Context(), "alice"); err != nil {
			continue // the first run had deleted the original
		}
		if _, err := m.Move(t.Context(), "alice"); err != nil {
			t.Fatalf("killed after %d steps: the second run failed: %v", acts, err)
		}
		if holds(t, m.From, "alice", key(0)) || !holds(t, m.To, "alice", key(0)) {
			t.Errorf("killed after %d steps: the second run did not complete the move", acts)
		}
	}
}

// The original is not deleted if the copy reads back differently.
func TestMoveVerifies(t *testing.T) {
	from, to := newKillableRing(), newKillableRing()
	to.alter = func(it keystore.Item) keystore.Item {
		it.Data = []byte(`{"AccessKeyID":"AKIAIOSFODNN7EXAMPLE","SecretAccessKey":"another"}`)
		return it
	}
	m := Migration{From: keysIn(t, from), To: keysIn(t, to), Delete: true}
	put(t, m.From, "alice", key(0))
	_, err := m.Move(t.Context(), "alice")
	var failed *MoveError
	if !errors.As(err, &failed) || failed.Name != "alice" || !errors.Is(err, store.ErrReadBack) || !holds(t, m.From, "alice", key(0)) {
		t.Errorf("Move returned %v", err)
	}
}

// A key that is replaced during the copy is not deleted.
func TestMoveKeyReplacedMeanwhile(t *testing.T) {
	from, to := newKillableRing(), newKillableRing()
	m := Migration{From: keysIn(t, from), To: keysIn(t, to), Delete: true}
	put(t, m.From, "alice", key(0))
	to.onRead = func(string) {
		to.onRead = nil
		put(t, m.From, "alice", key(1))
	}
	if _, err := m.Move(t.Context(), "alice"); !errors.Is(err, errChanged) || !holds(t, m.From, "alice", key(1)) {
		t.Errorf("Move returned %v", err)
	}
}

// TestMoveOntoDamagedItem checks that an unreadable item is replaced only if Overwrite is set, because the item may
// be a key.
func TestMoveOntoDamagedItem(t *testing.T) {
	to := newKillableRing()
	m := Migration{From: keysIn(t, newKillableRing()), To: keysIn(t, to)}
	put(t, m.From, "alice", key(0))
	to.items["alice"] = keystore.Item{Name: "alice", Data: []byte("torn")}
	if _, err := m.Move(t.Context(), "alice"); err == nil || string(to.items["alice"].Data) != "torn" {
		t.Errorf("Move returned %v", err)
	}
	m.Overwrite = true
	if got, err := m.Move(t.Context(), "alice"); err != nil || got.Outcome != Overwritten {
		t.Errorf("Move returned %+v, %v", got, err)
	}
}

// A caseInsensitiveRing has one item for all names that differ only in case, like the usual file systems of macOS
// and Windows.
type caseInsensitiveRing struct{ *killableRing }

func (r caseInsensitiveRing) Item(ctx context.Context, name string) (keystore.Item, error) {
	return r.killableRing.Item(ctx, strings.ToLower(name))
}

func (r caseInsensitiveRing) Put(ctx context.Context, it keystore.Item) error {
	it.Name = strings.ToLower(it.Name)
	return r.killableRing.Put(ctx, it)
}

func (r caseInsensitiveRing) Stamp(ctx context.Context, name string) (string, error) {
	return r.killableRing.Stamp(ctx, strings.ToLower(name))
}

// TestMoveOntoNameInOtherCase checks that Move does not replace a key whose name differs only in case. Move must
// not delete the original either.
func TestMoveOntoNameInOtherCase(t *testing.T) {
	to := newKillableRing()
	m := Migration{From: keysIn(t, newKillableRing()), To: &store.Keys{Ring: caseInsensitiveRing{to}, Dir: disk.NewFolder(t.TempDir())}, Overwrite: true, Delete: true}
	put(t, m.From, "prod", key(0))
	put(t, m.From, "Prod", key(1))
	if _, err := m.Move(t.Context(), "prod"); err != nil {
		t.Fatal(err)
	}
	_, err := m.Move(t.Context(), "Prod")
	var shared *store.SharedNameError
	if !errors.As(err, &shared) || shared.Name != "Prod" || shared.Other != "prod" {
		t.Errorf("Move returned %v", err)
	}
	if !holds(t, m.To, "prod", key(0)) || !holds(t, m.From, "Prod", key(1)) {
		t.Error("a key was lost")
	}
	if err := m.To.Put(t.Context(), "prod", key(2)); err != nil {
		t.Errorf("a key cannot be replaced under its own name: %v", err)
	}
}

// A duplicateRing reports a second item under each name, which the Secret Service allows.
type duplicateRing struct{ *killableRing }

func (r duplicateRing) CheckUnique(_ context.Context, name string) error {
	return &keystore.DuplicateError{Name: name, Where: "secret-service", Items: 2}
}

// TestMoveDuplicateItem checks that Move does not delete the original if several items have the same name. Move
// copies only one item, but Remove would delete all of them.
func TestMoveDuplicateItem(t *testing.T) {
	from := newKillableRing()
	m := Migration{From: &store.Keys{Ring: duplicateRing{from}, Dir: disk.NewFolder(t.TempDir())}, To: keysIn(t, newKillableRing()), Delete: true}
	put(t, m.From, "alice", key(0))
	var several *keystore.DuplicateError
	if _, err := m.Move(t.Context(), "alice"); !errors.As(err, &several) || !holds(t, m.From, "alice", key(0)) {
		t.Errorf("Move returned %v", err)
	}
	m.Delete = false
	if _, err := m.Move(t.Context(), "alice"); err != nil {
		t.Errorf("Move without Delete failed: %v", err)
	}
}
