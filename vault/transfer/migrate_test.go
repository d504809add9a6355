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
		there   int // which key the other keystore has; -1 for none
		m       Migration
		want    Moved
		arrived bool
	}{
		{"copied", -1, Migration{}, Moved{Copied, false}, true},
		{"moved", -1, Migration{Delete: true}, Moved{Copied, true}, true},
		{"another is there", 1, Migration{}, Moved{NotOverwritten, false}, false},
		{"another is there, and ours is not deleted", 1, Migration{Delete: true}, Moved{NotOverwritten, false}, false},
		{"overwritten", 1, Migration{Overwrite: true, Delete: true}, Moved{Overwritten, true}, true},
		{"the same is there", 0, Migration{}, Moved{AlreadyStored, false}, true},
		{"the same is there, and ours is deleted", 0, Migration{Delete: true}, Moved{AlreadyStored, true}, true},
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
				t.Errorf("the key has arrived: %v, want %v", !test.arrived, test.arrived)
			}
			if holds(t, m.From, "alice", key(0)) == test.want.Deleted {
				t.Errorf("the key was deleted: %v, want %v", !test.want.Deleted, test.want.Deleted)
			}
		})
	}
}

// A migration that is killed at any instruction has lost nothing, and the next one ends it.
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
			t.Fatalf("after %d acts neither keystore has the key", acts)
		}
		if _, err := m.From.Key(t.Context(), "alice"); err != nil {
			continue // stored is nothing left to do
		}
		if _, err := m.Move(t.Context(), "alice"); err != nil {
			t.Fatalf("after %d acts the next run fails: %v", acts, err)
		}
		if holds(t, m.From, "alice", key(0)) || !holds(t, m.To, "alice", key(0)) {
			t.Errorf("after %d acts the next run does not end it", acts)
		}
	}
}

// What does not come back as it went is not deleted.
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

// A key that is replaced while it is copied is not deleted.
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

// What cannot be read may be a key, so that it is replaced only by whoever wants that.
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

// A folding ring has one item for all names that differ in case only, as a folder on a disk of
// macOS or Windows does.
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

// A key is never replaced with one of another name, and so never deleted where it came from.
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
		t.Error("a key is lost")
	}
	if err := m.To.Put(t.Context(), "prod", key(2)); err != nil {
		t.Errorf("a key cannot be replaced under its own name: %v", err)
	}
}

// A repeated ring holds a second item under each name, as the Secret Service may.
type duplicateRing struct{ *killableRing }

func (r duplicateRing) CheckUnique(_ context.Context, name string) error {
	return &keystore.DuplicateError{Name: name, Where: "secret-service", Items: 2}
}

// Of several items under one name one is copied, and deleting would delete all.
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
		t.Errorf("a copy alone fails: %v", err)
	}
}
