package store

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"aws-vault/vault/disk"
	"aws-vault/vault/keystore"
)

func matchAll(Entry) bool { return true }

func (w *testSessions) wantList(t *testing.T, opened int, want ...string) []error {
	t.Helper()
	clear(w.ring.Calls)
	listed, warnings, err := w.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range listed {
		names = append(names, e.Name)
	}
	if !slices.Equal(names, want) {
		t.Errorf("listed %q, want %q", names, want)
	}
	if w.ring.Calls["Item"] != opened || w.ring.Calls["Names"] != 1 {
		t.Errorf("the keystore calls were %v, want one Names and %d Item calls", w.ring.Calls, opened)
	}
	return warnings
}

func TestListReadsUnknownItems(t *testing.T) {
	w, calls := newTestSessions(t), 0
	if _, _, err := w.Get(t.Context(), Request{Name: nameB, Profile: "dev", Create: w.lasting(2*time.Hour, &calls)}); err != nil {
		t.Fatal(err)
	}
	w.put(t, nameA, session(time.Hour)) // nameA is not in the index, as if stored by a process with another state folder
	w.wantList(t, 1, nameA, nameB)
	w.wantList(t, 0, nameA, nameB)
	e := w.Index.Entries()[nameA]
	if e.Profile != "prod" || e.Kind != "assume role" || e.Root != "hub" || !e.Created.Equal(noon) || !e.Expires.Equal(noon.Add(time.Hour)) {
		t.Errorf("the new index entry is %+v", e)
	}
	for why, damage := range map[string]func(){
		"missing": func() { os.Remove(w.Index.Dir.File(indexFile)) },
		"garbage": func() { w.writeIndex(t, "garbage\x00") },
	} {
		damage()
		if warnings := w.wantList(t, 2, nameA, nameB); warnings != nil {
			t.Errorf("%s: the warnings are %v", why, warnings)
		}
		w.wantList(t, 0, nameA, nameB)
	}
	w.now = noon.Add(time.Hour)
	w.wantList(t, 0, nameB) // nameA expires exactly now
	delete(w.ring.Items, nameB)
	w.wantList(t, 0) // the index still has an entry for nameB
}

// An item that is neither a session nor a token is opened only once. After otherLifetime the item is opened
// again, because a session may have replaced it.
func TestListRemembersOtherItems(t *testing.T) {
	w := newTestSessions(t)
	if err := (&Journals{Ring: w.ring}).Put(t.Context(), rotation()); err != nil {
		t.Fatal(err)
	}
	w.wantList(t, 1)
	w.wantList(t, 0)
	for name := range w.ring.Items {
		w.put(t, name, session(time.Hour)) // as if a process with another state folder replaced the item
	}
	w.now = noon.Add(otherLifetime + 2*sweepAfter)
	w.Sweep(t.Context())
	w.wantList(t, 1)
	w.now = w.now.Add(sweepEvery)
	w.Sweep(t.Context())
	w.wantList(t, 0)
	if len(w.ring.Items) != 0 {
		t.Error("the session that replaced the item was not swept")
	}
}

func TestListEqualExpiry(t *testing.T) {
	w := newTestSessions(t)
	for _, name := range []string{nameB, nameA} {
		w.put(t, name, session(time.Hour))
	}
	w.wantList(t, 2, nameA, nameB)
}

// If a process is killed after it has stored a session, but before it has updated the index, List opens the
// session to find its expiry time.
func TestKilledBeforeIndexUpdate(t *testing.T) {
	w, calls := newTestSessions(t), 0
	w.put(t, nameA, session(time.Hour))
	w.wantList(t, 1, nameA)
	w.now = noon.Add(2 * time.Hour)
	w.ring.BeforeAny = func(method string) {
		if method == "Put" {
			w.Index.Dir = disk.NewFolder(w.dir + " gone") // from now on, nothing is written to the index
		}
	}
	if _, _, err := w.Get(t.Context(), Request{Name: nameA, Create: w.lasting(time.Hour, &calls)}); err != nil {
		t.Fatal(err)
	}
	w.ring.BeforeAny = nil
	w.Index.Dir = disk.NewFolder(w.dir)
	w.wantList(t, 1, nameA)
}

func TestListDamaged(t *testing.T) {
	w := newTestSessions(t)
	w.put(t, nameA, session(time.Hour))
	w.ring.Items[nameB] = keystore.Item{Name: nameB, Data: []byte(testSecret)}
	w.ring.Items["other"] = keystore.Item{Name: "other", Data: []byte(`{"type":"journal","secret":"` + testSecret + `"}`)}
	warnings := w.wantList(t, 3, nameA)
	var damaged *DamagedError
	if len(warnings) != 1 || !errors.As(warnings[0], &damaged) || damaged.Name != nameB || strings.Contains(damaged.Error(), testSecret) {
		t.Errorf("the warnings are %v, want one about the damaged item", warnings)
	}
	if n, _, err := w.Remove(t.Context(), matchAll); n != 1 || err != nil {
		t.Errorf("Remove = %d, %v", n, err)
	}
	if len(w.ring.Items) != 2 {
		t.Errorf("the remaining items are %v, want those that are not sessions", w.ring.Items)
	}
}

func TestListErrors(t *testing.T) {
	for _, method := range []string{"Names", "Item"} {
		w := newTestSessions(t)
		w.put(t, nameA, session(time.Hour))
		w.ring.Errors[method] = errBroken
		if listed, _, err := w.List(t.Context()); !errors.Is(err, errBroken) || listed != nil {
			t.Errorf("%s: List = %v, %v", method, listed, err)
		}
		if n, _, err := w.Remove(t.Context(), matchAll); !errors.Is(err, errBroken) || n != 0 || len(w.ring.Items) != 1 {
			t.Errorf("%s: Remove = %d, %v", method, n, err)
		}
	}
	w := newTestSessions(t)
	w.put(t, nameA, session(time.Hour))
	if err := os.MkdirAll(w.Index.Dir.File(indexFile), 0o700); err != nil {
		t.Fatal(err)
	}
	if warnings := w.wantList(t, 1, nameA); len(warnings) != 1 {
		t.Errorf("the warnings are %v, want one about the index", warnings)
	}
}

func TestRemove(t *testing.T) {
	fill := func(t *testing.T) *testSessions {
		w := newTestSessions(t)
		for name, profile := range map[string]string{nameA: "prod", nameB: "dev"} {
			k := session(time.Hour)
			k.Profile = profile
			w.put(t, name, k)
		}
		old := session(-time.Minute)
		w.put(t, "expired", old)
		w.wantList(t, 3, nameA, nameB)
		return w
	}
	isProd := func(e Entry) bool { return e.Profile == "prod" }
	t.Run("some", func(t *testing.T) {
		w := fill(t)
		n, warnings, err := w.Remove(t.Context(), isProd)
		if n != 1 || warnings != nil || err != nil {
			t.Errorf("Remove = %d, %v, %v", n, warnings, err)
		}
		if _, left := w.ring.Items[nameB]; !left || len(w.ring.Items) != 1 || len(w.Index.Entries()) != 1 {
			t.Errorf("the remaining items are %v, the index has %v", w.ring.Items, w.Index.Entries())
		}
		if n, warnings, err := w.Remove(t.Context(), isProd); n != 0 || warnings != nil || err != nil {
			t.Errorf("the second Remove = %d, %v, %v", n, warnings, err)
		}
	})
	t.Run("gone meanwhile", func(t *testing.T) {
		w := fill(t)
		w.ring.Errors["Remove"] = keystore.ErrNotFound
		if n, warnings, err := w.Remove(t.Context(), matchAll); n != 0 || warnings != nil || err != nil {
			t.Errorf("Remove = %d, %v, %v", n, warnings, err)
		}
	})
	t.Run("failing half-way", func(t *testing.T) {
		w := fill(t)
		w.ring.BeforeAny = func(method string) {
			if method == "Remove" {
				w.ring.Errors["Remove"] = errBroken
			}
		}
		n, _, err := w.Remove(t.Context(), matchAll)
		if n != 1 || !errors.Is(err, errBroken) || len(w.ring.Items) != 2 || len(w.Index.Entries()) != 2 {
			t.Errorf("Remove = %d, %v, left %d items", n, err, len(w.ring.Items))
		}
	})
	t.Run("index", func(t *testing.T) {
		w := fill(t)
		if err := os.Remove(w.Index.Dir.File(indexFile)); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(w.Index.Dir.File(indexFile), 0o700); err != nil {
			t.Fatal(err)
		}
		if n, warnings, err := w.Remove(t.Context(), matchAll); n != 2 || len(warnings) != 2 || err != nil {
			t.Errorf("Remove = %d, %v, %v, want warnings about the index", n, warnings, err)
		}
	})
}

func TestSweep(t *testing.T) {
	w := newTestSessions(t)
	calls := 0
	make := func() { // Get creates a session and may sweep afterwards
		t.Helper()
		calls = 0
		if _, _, err := w.Get(t.Context(), Request{Name: nameB, MinLeft: 1, Create: w.lasting(time.Second, &calls)}); err != nil || calls != 1 {
			t.Fatal(err, calls)
		}
		delete(w.ring.Items, nameB)
	}
	want := func(names ...string) {
		t.Helper()
		got, _ := w.ring.Names(t.Context())
		if !slices.Equal(got, names) {
			t.Errorf("the keystore has %q, want %q", got, names)
		}
	}
	w.put(t, "at the limit", session(-time.Hour))
	w.put(t, "damaged", session(-2*time.Hour))
	w.ring.Items["damaged"] = keystore.Item{Name: "damaged", Data: []byte("garbage")}
	w.put(t, "long expired", session(-time.Hour-1))
	w.put(t, "unexpired", session(time.Hour))
	if _, _, err := w.List(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.put(t, "renewed", session(time.Hour)) // the index knows only the expired session that this session replaces
	w.put(t, "of an earlier version", session(-2*time.Hour))
	for name, stamp := range map[string]string{"renewed": "of the expired session", "of an earlier version": ""} {
		if err := w.Index.add(t.Context(), Entry{Name: name, Stamp: stamp, Created: noon.Add(-3 * time.Hour), Expires: noon.Add(-2 * time.Hour)}); err != nil {
			t.Fatal(err)
		}
	}
	w.put(t, "unknown", session(-2*time.Hour))
	clear(w.ring.Calls)
	make()
	want("at the limit", "damaged", "renewed", "unexpired", "unknown")
	if n := w.ring.Calls["Item"]; n != 2 { // make opens the item nameB twice: before and after it acquires the lock
		t.Errorf("%d items were opened, want 2", n)
	}
	if e := w.Index.Entries(); len(e) != 3 || e["long expired"].Name != "" {
		t.Errorf("the index has %v", e)
	}

	w.put(t, "long expired", session(-2*time.Hour))
	w.now = noon.Add(24*time.Hour - time.Second)
	clear(w.ring.Calls)
	make()
	if w.ring.Calls["Names"] != 0 {
		t.Error("swept again within a day")
	}
	w.wantListed(t)
	w.now = noon.Add(24 * time.Hour)
	make()
	want("damaged")

	w.put(t, "long expired", session(-2*time.Hour))
	w.wantListed(t)
	w.now = noon // the clock was wrong and is corrected now
	make()
	want("damaged")
}

// wantListed lists the sessions, so that each of them has an index entry.
func (w *testSessions) wantListed(t *testing.T) {
	t.Helper()
	if _, _, err := w.List(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestSweepErrors(t *testing.T) {
	fill := func(t *testing.T) *testSessions {
		w := newTestSessions(t)
		w.put(t, nameA, session(-2*time.Hour))
		w.wantListed(t)
		clear(w.ring.Calls)
		return w
	}
	for _, method := range []string{"Names", "Stamp", "Remove"} {
		w := fill(t)
		w.ring.Errors[method] = errBroken
		w.Sweep(t.Context())
		if len(w.ring.Items) != 1 || w.ring.Calls[method] != 1 {
			t.Errorf("%s: the keystore calls were %v", method, w.ring.Calls)
		}
	}
	t.Run("held", func(t *testing.T) {
		w := fill(t)
		_, held, err := w.Locks.Named(t.Context(), "sweep", "")
		if err != nil {
			t.Fatal(err)
		}
		defer held.Close()
		w.Sweep(t.Context()) // Sweep does not wait for the lock
		if len(w.ring.Calls) != 0 {
			t.Errorf("the keystore calls were %v while another process swept", w.ring.Calls)
		}
	})
	t.Run("no marker", func(t *testing.T) {
		w := fill(t)
		w.Locks.Dir = disk.NewFolder(t.TempDir())
		if err := os.RemoveAll(w.dir); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(w.dir, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		w.Sweep(t.Context())
		if len(w.ring.Calls) != 0 {
			t.Error("swept although the time of the sweep could not be recorded")
		}
	})
}

// Reading sessions writes nothing to disk.
func TestReadersDoNotWrite(t *testing.T) {
	w := newTestSessions(t)
	w.put(t, nameA, session(time.Hour))
	w.Find(t.Context(), Request{Name: nameA})
	w.Find(t.Context(), Request{Name: nameB})
	w.Get(context.Background(), Request{Name: nameA})
	w.Index.Entries()
	if _, err := os.Stat(w.dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the state folder was created (%v)", err)
	}
}
