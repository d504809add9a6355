package vault

import (
	"errors"
	"testing"

	"aws-vault/vault/keystore"
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
		{"another is there", 1, Migration{}, Moved{LeftAlone, false}, false},
		{"another is there, and ours is not deleted", 1, Migration{Delete: true}, Moved{LeftAlone, false}, false},
		{"overwritten", 1, Migration{Overwrite: true, Delete: true}, Moved{Overwritten, true}, true},
		{"the same is there", 0, Migration{}, Moved{AlreadyThere, false}, true},
		{"the same is there, and ours is deleted", 0, Migration{Delete: true}, Moved{AlreadyThere, true}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := test.m
			m.From, m.To = keysIn(t, newFragile()), keysIn(t, newFragile())
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
func TestMoveIsKilled(t *testing.T) {
	for acts, finished := 0, false; !finished; acts++ {
		from, to := newFragile(), newFragile()
		m := Migration{From: keysIn(t, from), To: keysIn(t, to), Delete: true}
		put(t, m.From, "alice", key(0))
		p := &power{acts}
		from.power, to.power = p, p
		_, err := m.Move(t.Context(), "alice")
		if finished = err == nil; !finished && !errors.Is(err, errStopped) {
			t.Fatal(err)
		}
		p.acts = -1
		if !holds(t, m.From, "alice", key(0)) && !holds(t, m.To, "alice", key(0)) {
			t.Fatalf("after %d acts neither keystore has the key", acts)
		}
		if _, err := m.From.Key(t.Context(), "alice"); err != nil {
			continue // there is nothing left to do
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
	from, to := newFragile(), newFragile()
	to.bend = func(it keystore.Item) keystore.Item {
		it.Data = []byte(`{"AccessKeyID":"AKIAIOSFODNN7EXAMPLE","SecretAccessKey":"another"}`)
		return it
	}
	m := Migration{From: keysIn(t, from), To: keysIn(t, to), Delete: true}
	put(t, m.From, "alice", key(0))
	_, err := m.Move(t.Context(), "alice")
	var failed *MoveError
	if !errors.As(err, &failed) || failed.Name != "alice" || !errors.Is(err, errReadBack) || !holds(t, m.From, "alice", key(0)) {
		t.Errorf("Move returned %v", err)
	}
}

// A key that is replaced while it is copied is not deleted.
func TestMoveSeesAnother(t *testing.T) {
	from, to := newFragile(), newFragile()
	m := Migration{From: keysIn(t, from), To: keysIn(t, to), Delete: true}
	put(t, m.From, "alice", key(0))
	to.read = func(string) {
		to.read = nil
		put(t, m.From, "alice", key(1))
	}
	if _, err := m.Move(t.Context(), "alice"); !errors.Is(err, errChanged) || !holds(t, m.From, "alice", key(1)) {
		t.Errorf("Move returned %v", err)
	}
}

// What cannot be read may be a key, so that it is replaced only by whoever wants that.
func TestMoveOntoDamage(t *testing.T) {
	to := newFragile()
	m := Migration{From: keysIn(t, newFragile()), To: keysIn(t, to)}
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
