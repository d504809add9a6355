package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"aws-vault/vault/disk"
	"aws-vault/vault/keystore"
)

func (w *testSessions) pending() *Pending {
	locks := &Locks{Dir: w.Locks.Dir, Now: w.Now}
	state := disk.NewFolder(w.dir)
	return &Pending{Ring: w.ring, Dir: state.Folder("pending"), Index: &Index{Dir: state, Locks: locks}, Now: w.Now}
}

func testItem(name, text string) keystore.Item {
	return keystore.Item{Name: name, Label: "aws-vault token", Data: []byte(text)}
}

func (w *testSessions) savePending(t *testing.T, it keystore.Item) *Pending {
	t.Helper()
	p := w.pending()
	err := p.Prepare(t.Context())
	if err == nil {
		err = p.Save(it)
	}
	if err != nil {
		t.Fatal(err)
	}
	return w.pending() // a new Pending reads the file, as another process would
}

func wantItem(t *testing.T, r Ring, name, text string) {
	t.Helper()
	it, err := r.Item(t.Context(), name)
	if err != nil || string(it.Data) != text || it.Name != name {
		t.Errorf("%q holds %q, %v, want %q", name, it.Data, err, text)
	}
}

func TestPending(t *testing.T) {
	w := newTestSessions(t)
	w.ring.Items[nameA] = testItem(nameA, "old")
	p := w.savePending(t, testItem(nameA, "new EXAMPLE"))
	wantItem(t, p, nameA, "new EXAMPLE")
	wantItem(t, w.ring, nameA, "old")
	path := filepath.Join(w.dir, "pending", nameA)
	raw, err := os.ReadFile(path)
	if err != nil || bytes.Contains(raw, []byte("EXAMPLE")) || bytes.Contains(raw, []byte("token")) {
		t.Errorf("the file holds %q, %v", raw, err)
	}
	if err := p.Flush(t.Context(), nameA); err != nil || p.Has(nameA) {
		t.Errorf("Flush returned %v or left the file", err)
	}
	wantItem(t, w.ring, nameA, "new EXAMPLE")

	// Put replaces a pending item. Remove removes the item's file, and the item from the keystore.
	p = w.savePending(t, testItem(nameA, "held"))
	if err := p.Put(t.Context(), testItem(nameA, "newer")); err != nil {
		t.Fatal(err)
	}
	wantItem(t, p, nameA, "newer")
	p = w.savePending(t, testItem(nameB, "held"))
	if names, err := p.Names(t.Context()); err != nil || !slices.Contains(names, nameA) || !slices.Contains(names, nameB) {
		t.Errorf("listed %q, %v", names, err)
	}
	for _, name := range []string{nameA, nameB} {
		if err := p.Remove(t.Context(), name); err != nil {
			t.Error(err)
		}
		if _, err := p.Item(t.Context(), name); !errors.Is(err, keystore.ErrNotFound) {
			t.Errorf("after Remove, Item of %q returned %v", name, err)
		}
		if err := p.Remove(t.Context(), name); !errors.Is(err, keystore.ErrNotFound) {
			t.Errorf("the second Remove returned %v", err)
		}
	}
	if err := p.Flush(t.Context(), nameA); err != nil {
		t.Errorf("Flush without a file returned %v", err)
	}
}

// The index has an entry for the encryption key, so that neither List nor Sweep opens the item that contains the
// key.
func TestPendingKeyIsListed(t *testing.T) {
	w := newTestSessions(t)
	if err := w.pending().Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.ring.Calls["Item"] = 0
	w.now = noon.Add(10 * 365 * 24 * time.Hour)
	w.Pending = w.pending()
	if stored, warnings, err := w.ListCached(t.Context()); err != nil || warnings != nil || len(stored.Sessions)+len(stored.Tokens) > 0 {
		t.Errorf("ListCached = %+v, %v, %v", stored, warnings, err)
	}
	w.Sweep(t.Context())
	if w.ring.Calls["Item"] != 0 || len(w.ring.Items) != 1 {
		t.Errorf("opened %d items, %d remain", w.ring.Calls["Item"], len(w.ring.Items))
	}
}

// If many processes start at once, only one encryption key is created.
func TestPendingKeyIsCreatedOnce(t *testing.T) {
	w := newTestSessions(t)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if err := w.pending().Prepare(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if w.ring.Calls["Put"] != 1 {
		t.Errorf("created %d keys, want 1", w.ring.Calls["Put"])
	}
}

func TestPendingRefuses(t *testing.T) {
	w := newTestSessions(t)
	p := w.pending()
	if err := p.Save(testItem(nameA, "x")); err == nil {
		t.Error("Save succeeded without Prepare")
	}
	if err := p.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	touch := testItem(nameA, "x")
	touch.Touch = true
	if err := p.Save(touch); err == nil {
		t.Error("Save accepted an item that requires a touch")
	}
	for _, name := range []string{"", "..", "../" + nameA[3:], "work", nameA + "0", "A" + nameA[1:]} {
		if err := p.Save(testItem(name, "x")); err == nil || p.Has(name) {
			t.Errorf("Save accepted the name %q", name)
		}
	}
	if files, _ := p.Dir.Entries(); len(files) != 0 {
		t.Errorf("the folder contains %v", files)
	}
}

// A file that the key does not decrypt is ignored, because the file belongs to a deleted keystore. If the key
// cannot be read at the moment, the file is not deleted.
func TestPendingFileThatCannotBeOpened(t *testing.T) {
	w := newTestSessions(t)
	p := w.savePending(t, testItem(nameA, "held"))
	w.ring.Items[nameA] = testItem(nameA, "kept")
	path := p.Dir.File(nameA)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(whole); i += 7 {
		bad := bytes.Clone(whole)
		bad[i] ^= 1
		for _, raw := range [][]byte{bad, whole[:i]} {
			if err := os.WriteFile(path, raw, 0o600); err != nil {
				t.Fatal(err)
			}
			wantItem(t, p, nameA, "kept")
		}
	}
	if err := os.Rename(path, p.Dir.File(nameB)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p.Dir.File(nameB), whole, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Item(t.Context(), nameB); !errors.Is(err, keystore.ErrNotFound) {
		t.Errorf("Item of a renamed file returned %v", err)
	}
	if err := os.Rename(p.Dir.File(nameB), path); err != nil {
		t.Fatal(err)
	}
	w.ring.Errors["Item"] = keystore.ErrLocked
	if _, err := p.Item(t.Context(), nameA); !errors.Is(err, keystore.ErrLocked) {
		t.Errorf("with a locked keystore, Item returned %v", err)
	}
	if err := p.Flush(t.Context(), nameA); !errors.Is(err, keystore.ErrLocked) || !p.Has(nameA) {
		t.Errorf("with a locked keystore, Flush returned %v", err)
	}
	delete(w.ring.Errors, "Item")
	wantItem(t, p, nameA, "held")
	for why, data := range map[string]string{"gone": "", "of another type": `{"version":1,"type":"else"}`, "short": `{"version":1,"type":"key of pending items","key":"AAAA"}`, "torn": `{`} {
		w.ring.Items[pendingKey] = testItem(pendingKey, data)
		if data == "" {
			delete(w.ring.Items, pendingKey)
		}
		if it, err := p.Item(t.Context(), nameA); err != nil || string(it.Data) != "kept" {
			t.Errorf("with a key that is %s: %q, %v", why, it.Data, err)
		}
	}
	if err := p.Flush(t.Context(), nameA); err != nil || p.Has(nameA) {
		t.Errorf("Flush of a file that cannot be decrypted returned %v", err)
	}
	wantItem(t, p, nameA, "kept")
}

// A token that could not be stored is available in this process until it is removed.
func TestTokenInMemory(t *testing.T) {
	w := newTestSessions(t)
	w.ring.Errors["Put"] = errBroken
	tokens, calls := w.tokens(), 0
	for range 2 {
		if got, _, err := tokens.Get(t.Context(), tokenRequest("EXAMPLE", &calls)); err != nil || string(got.Secret) != `{"s":"EXAMPLE"}` {
			t.Errorf("got %s, %v", got.Secret, err)
		}
	}
	if calls != 1 {
		t.Errorf("Create was called %d times, want 1", calls)
	}
	if existed, _, err := tokens.Remove(t.Context(), nameA); !existed || err != nil {
		t.Errorf("removing the token: %v, %v", existed, err)
	}
	if stored, _, _ := tokens.Find(t.Context(), nameA); stored.Secret != nil {
		t.Error("the token was found after Remove")
	}
}

// A token that Create has saved stays stored, even if Create fails later.
func TestSavedBeforeFailure(t *testing.T) {
	w := newTestSessions(t)
	tokens := w.tokens()
	a := tokenRequest("whole", new(int))
	a.Create = func(ctx context.Context, _ Token, exchange *Exchange) (Token, error) {
		if err := exchange.Prepare(ctx); err != nil {
			t.Error(err)
		}
		exchange.Save(token("half"))
		return Token{}, errBroken
	}
	if _, _, err := tokens.Get(t.Context(), a); !errors.Is(err, errBroken) {
		t.Errorf("Get returned %v", err)
	}
	if stored, _, err := w.tokens().Find(t.Context(), nameA); err != nil || string(stored.Secret) != string(json.RawMessage(`{"s":"half"}`)) {
		t.Errorf("the stored token is %s, %v", stored.Secret, err)
	}
	if _, listed := w.Index.Entries()[nameA]; !listed || len(w.ring.Items) != 1 {
		t.Errorf("in the index: %v, items %v", listed, w.ring.Items)
	}
}
