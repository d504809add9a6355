package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"aws-vault/vault/disk"
	"aws-vault/vault/keystore"
)

func (w *testSessions) tokens() *Tokens {
	return &Tokens{Ring: w.ring, Locks: w.Locks, Index: w.Index, Now: w.Now, Cancelled: isCancelled}
}

func token(secret string) Token {
	return Token{Kind: "SSO token", Label: "corp", Expires: noon.Add(time.Hour), Secret: json.RawMessage(`{"s":"` + secret + `"}`)}
}

// tokenRequest returns a request for a token whose secret contains the argument good. Each call to the request's
// Create function adds 1 to the counter.
func tokenRequest(good string, calls *int) TokenRequest {
	return TokenRequest{
		Name: nameA, Question: "the sign-in",
		Usable: func(k Token) bool { return strings.Contains(string(k.Secret), good) },
		Create: func(context.Context, Token, *Exchange) (Token, error) {
			*calls++
			return token(good), nil
		},
	}
}

// SignedInAs reads the index if the index has the item's current stamp. Otherwise it reads the token.
func TestSignedInAs(t *testing.T) {
	w := newTestSessions(t)
	tokens := w.tokens()
	signedInAs := func() string {
		t.Helper()
		w.ring.Calls = map[string]int{}
		got, err := tokens.SignedInAs(t.Context(), nameA, func(k Token) string { return "by " + string(k.Secret) })
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%s, %d opened", got, w.ring.Calls["Item"])
	}
	write := func(secret, stamp string) {
		t.Helper()
		if warnings := tokens.Exchange(nameA).finish(t.Context(), token(secret)); warnings != nil {
			t.Fatal(warnings)
		}
		w.ring.StampSuffixes[nameA] = stamp
	}
	none := signedInAs()
	write("alice", "1")
	first, again := signedInAs(), signedInAs()
	index, err := os.ReadFile(filepath.Join(w.dir, indexFile))
	if err != nil {
		t.Fatal(err)
	}
	write("bob", "2")
	if err := os.WriteFile(filepath.Join(w.dir, indexFile), index, 0o600); err != nil { // restore the old index
		t.Fatal(err)
	}
	stale, updated := signedInAs(), signedInAs()
	w.ring.NoStamps = true
	unstamped := signedInAs()
	w.ring.NoStamps = false
	w.ring.Items[nameA] = keystore.Item{Name: nameA, Data: []byte("junk")}
	w.ring.StampSuffixes[nameA] = "3"
	damaged := signedInAs()
	if err := os.Remove(filepath.Join(w.dir, indexFile)); err != nil {
		t.Fatal(err)
	}
	write("carol", "4")
	if err := os.Remove(filepath.Join(w.dir, indexFile)); err != nil {
		t.Fatal(err)
	}
	lost := signedInAs()
	for got, want := range map[string]string{
		none: ", 0 opened", first: `by {"s":"alice"}, 1 opened`, again: `by {"s":"alice"}, 0 opened`, stale: `by {"s":"bob"}, 1 opened`,
		updated: `by {"s":"bob"}, 0 opened`, unstamped: `by {"s":"bob"}, 1 opened`, damaged: ", 1 opened", lost: `by {"s":"carol"}, 1 opened`,
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	for _, call := range []string{"Stamp", "Item"} {
		w.ring.Errors[call] = errors.New("locked")
		w.ring.StampSuffixes[nameA] += "x"
		if _, err := tokens.SignedInAs(t.Context(), nameA, nil); err == nil {
			t.Errorf("SignedInAs returned nil although the keystore's %s failed", call)
		}
		delete(w.ring.Errors, call)
	}
}

func TestTokenIsCreatedOnce(t *testing.T) {
	w := newTestSessions(t)
	calls := 0
	var all sync.WaitGroup
	for range 40 {
		all.Go(func() {
			// Each goroutine has its own Locks, like a separate process.
			locks := &Locks{Dir: w.Locks.Dir, Now: w.Now}
			tokens := &Tokens{Ring: w.ring, Locks: locks, Index: &Index{Dir: w.Index.Dir, Locks: locks}, Now: w.Now}
			got, warnings, err := tokens.Get(t.Context(), tokenRequest("EXAMPLE", &calls))
			if err != nil || len(warnings) > 0 || string(got.Secret) != `{"s":"EXAMPLE"}` {
				t.Errorf("got %v, %v, %v", got, warnings, err)
			}
		})
	}
	all.Wait()
	if calls != 1 {
		t.Errorf("Create was called %d times, want 1", calls)
	}
}

// List returns SignedInAs from the index and does not open the token.
func TestSignedInAsIsListed(t *testing.T) {
	w := newTestSessions(t)
	a := tokenRequest("EXAMPLE", new(int))
	create := a.Create
	a.Create = func(ctx context.Context, stored Token, exchange *Exchange) (Token, error) {
		created, err := create(ctx, stored, exchange)
		created.SignedInAs = "alice"
		return created, err
	}
	if _, _, err := w.tokens().Get(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	if stored, _, err := w.tokens().Find(t.Context(), a.Name); err != nil || stored.SignedInAs != "alice" {
		t.Errorf("the stored token belongs to %q, %v", stored.SignedInAs, err)
	}
	w.ring.Errors["Item"] = errBroken
	if all, _, err := w.tokens().List(t.Context()); err != nil || len(all) != 1 || all[0].SignedInAs != "alice" {
		t.Errorf("listed %+v, %v", all, err)
	}
}

// Create receives the stored token as an argument.
func TestCreateReceivesStoredToken(t *testing.T) {
	w := newTestSessions(t)
	calls := 0
	if _, _, err := w.tokens().Get(t.Context(), tokenRequest("old", &calls)); err != nil {
		t.Fatal(err)
	}
	a := tokenRequest("new", &calls)
	create := a.Create
	a.Create = func(ctx context.Context, stored Token, exchange *Exchange) (Token, error) {
		if string(stored.Secret) != `{"s":"old"}` || stored.Label != "corp" {
			t.Errorf("the stored token is %s", stored.Secret)
		}
		return create(ctx, stored, exchange)
	}
	if got, _, err := w.tokens().Get(t.Context(), a); err != nil || string(got.Secret) != `{"s":"new"}` {
		t.Errorf("got %s, %v", got.Secret, err)
	}
}

func TestTokenFailureIsShared(t *testing.T) {
	for _, cause := range []error{errBroken, errCancelled} {
		w := newTestSessions(t)
		tokens := w.tokens()
		started, proceed := make(chan struct{}), make(chan struct{})
		a := tokenRequest("EXAMPLE", new(int))
		a.Create = func(context.Context, Token, *Exchange) (Token, error) {
			close(started)
			<-proceed
			return Token{}, cause
		}
		first := make(chan error)
		go func() {
			_, _, err := tokens.Get(t.Context(), a)
			first <- err
		}()
		<-started
		second := make(chan error)
		go func() {
			_, _, err := tokens.Get(t.Context(), tokenRequest("EXAMPLE", new(int)))
			second <- err
		}()
		<-w.waiters
		close(proceed)
		if err := <-first; !errors.Is(err, cause) {
			t.Errorf("the first Get returned %v", err)
		}
		var other *LockOwnerError
		if err := <-second; !errors.As(err, &other) || other.Text != cause.Error() || other.Cancelled != isCancelled(cause) {
			t.Errorf("the waiting Get returned %v", err)
		}
	}
}

func TestTokenAfterCancelledCreator(t *testing.T) {
	w := newTestSessions(t)
	ctx, stop := context.WithCancel(t.Context())
	a := tokenRequest("EXAMPLE", new(int))
	a.Create = func(ctx context.Context, _ Token, _ *Exchange) (Token, error) {
		stop()
		return Token{}, ctx.Err()
	}
	if _, _, err := w.tokens().Get(ctx, a); !errors.Is(err, context.Canceled) {
		t.Errorf("Get returned %v", err)
	}
	calls := 0
	if _, _, err := w.tokens().Get(t.Context(), tokenRequest("EXAMPLE", &calls)); err != nil || calls != 1 {
		t.Errorf("Get returned %v after %d calls of Create", err, calls)
	}
}

func TestTokenNotStored(t *testing.T) {
	w := newTestSessions(t)
	calls := 0
	a := tokenRequest("EXAMPLE", &calls)
	create := a.Create
	a.Create = func(ctx context.Context, k Token, exchange *Exchange) (Token, error) {
		got, err := create(ctx, k, exchange)
		got.Expires = time.Time{}
		return got, err
	}
	if got, warnings, err := w.tokens().Get(t.Context(), a); err != nil || warnings != nil || len(w.ring.Items) != 0 || got.Secret == nil {
		t.Errorf("Get = %v, %v, %v and stored %d items", got, warnings, err, len(w.ring.Items))
	}
	w.ring.Errors["Put"] = errBroken
	if got, warnings, err := w.tokens().Get(t.Context(), tokenRequest("EXAMPLE", &calls)); err != nil || len(warnings) != 1 || !errors.Is(warnings[0], errBroken) || got.Secret == nil {
		t.Errorf("Get = %v, %v, %v", got, warnings, err)
	}
	w.ring.Errors["Item"] = keystore.ErrLocked
	if _, _, err := w.tokens().Get(t.Context(), tokenRequest("EXAMPLE", &calls)); !errors.Is(err, keystore.ErrLocked) {
		t.Errorf("with a locked keystore, Get returned %v", err)
	}
}

// Tokens and sessions share an index and a keystore. Tokens are never treated as sessions, or sessions as tokens.
func TestTokensAndSessionsShareAnIndex(t *testing.T) {
	w := newTestSessions(t)
	calls := 0
	if _, _, err := w.tokens().Get(t.Context(), tokenRequest("EXAMPLE", &calls)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.Get(t.Context(), Request{Name: nameB, Profile: "prod", Create: w.lasting(2*time.Hour, &calls)}); err != nil {
		t.Fatal(err)
	}
	see := func(when string, tokens, sessions []string) {
		t.Helper()
		var got [2][]string
		lists := []func(context.Context) ([]Entry, []error, error){w.tokens().List, w.List}
		for i, list := range lists {
			entries, warnings, err := list(t.Context())
			if err != nil || warnings != nil {
				t.Errorf("%s: List returned the warnings %v and the error %v", when, warnings, err)
			}
			for _, e := range entries {
				got[i] = append(got[i], e.Name+" "+e.Profile)
			}
		}
		if !slices.Equal(got[0], tokens) || !slices.Equal(got[1], sessions) {
			t.Errorf("%s: tokens %q, sessions %q", when, got[0], got[1])
		}
	}
	see("listed", []string{nameA + " corp"}, []string{nameB + " prod"})
	w.ring.Calls["Item"] = 0
	see("again", []string{nameA + " corp"}, []string{nameB + " prod"})
	if n := w.ring.Calls["Item"]; n != 0 {
		t.Errorf("List opened %d items that the index knows", n)
	}
	w.Index.Dir = disk.NewFolder(filepath.Join(w.dir, "lost"))
	see("learnt", []string{nameA + " corp"}, []string{nameB + " prod"})

	all := func(Entry) bool { return true }
	if n, _, err := w.Remove(t.Context(), all); n != 1 || err != nil {
		t.Errorf("removed %d sessions, %v", n, err)
	}
	see("without sessions", []string{nameA + " corp"}, nil)
	if existed, _, err := w.tokens().Remove(t.Context(), nameA); !existed || err != nil || len(w.ring.Items) != 0 {
		t.Errorf("removed a token: %v, %v, and %d items remain", existed, err, len(w.ring.Items))
	}
	if existed, _, err := w.tokens().Remove(t.Context(), nameA); existed || err != nil {
		t.Errorf("removed it twice: %v, %v", existed, err)
	}
}

// RemoveCached lists the keystore only once. It uses separate match functions for sessions and tokens.
func TestRemoveCached(t *testing.T) {
	third := strings.Repeat("c", 32)
	w := newTestSessions(t)
	calls := 0
	if _, _, err := w.tokens().Get(t.Context(), tokenRequest("EXAMPLE", &calls)); err != nil {
		t.Fatal(err)
	}
	for name, profile := range map[string]string{nameB: "prod", third: "dev"} {
		if _, _, err := w.Get(t.Context(), Request{Name: name, Profile: profile, Create: w.lasting(2*time.Hour, &calls)}); err != nil {
			t.Fatal(err)
		}
	}
	clear(w.ring.Calls)
	gone, warnings, err := w.RemoveCached(t.Context(),
		func(e Entry) bool { return e.Profile == "prod" },
		func(e Entry) bool { return e.Profile == "corp" })
	if err != nil || warnings != nil || len(gone.Sessions) != 1 || gone.Sessions[0].Name != nameB || len(gone.Tokens) != 1 || gone.Tokens[0].Name != nameA {
		t.Errorf("RemoveCached = %+v, %v, %v", gone, warnings, err)
	}
	if _, left := w.ring.Items[third]; !left || len(w.ring.Items) != 1 || len(w.Index.Entries()) != 1 {
		t.Errorf("the remaining items are %v, the index has %v", w.ring.Items, w.Index.Entries())
	}
	if w.ring.Calls["Names"] != 1 || w.ring.Calls["Item"] != 0 || w.ring.Calls["Remove"] != 2 {
		t.Errorf("the keystore calls were %v, want one Names and two Remove calls", w.ring.Calls)
	}
}

// An expired token is swept, unless the index is older than the token.
func TestExpiredTokensAreSwept(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*testSessions)
		swept  bool
	}{
		"in the index":     {func(*testSessions) {}, true},
		"not in the index": {func(w *testSessions) { w.Index.Dir = disk.NewFolder(filepath.Join(w.dir, "lost")) }, false},
		"renewed later":    {func(w *testSessions) { w.ring.StampSuffixes[nameA] = "renewed" }, false},
		"without stamps":   {func(w *testSessions) { w.ring.NoStamps = true }, true},
	} {
		w := newTestSessions(t)
		calls := 0
		if _, _, err := w.tokens().Get(t.Context(), tokenRequest("EXAMPLE", &calls)); err != nil {
			t.Fatal(err)
		}
		tt.change(w)
		w.Sweep(t.Context())
		if len(w.ring.Items) != 1 {
			t.Fatalf("%s: a valid token was swept", name)
		}
		w.now = noon.Add(25 * time.Hour)
		clear(w.ring.Calls)
		w.Sweep(t.Context())
		if swept := len(w.ring.Items) == 0; swept != tt.swept || w.ring.Calls["Item"] != 0 && !w.ring.NoStamps {
			t.Errorf("%s: swept: %v, want %v; %d items opened", name, swept, tt.swept, w.ring.Calls["Item"])
		}
		if tt.swept {
			continue
		}
		if _, _, err := w.List(t.Context()); err != nil { // adds the current entry to the index
			t.Fatal(err)
		}
		w.now = w.now.Add(sweepEvery)
		w.Sweep(t.Context())
		if len(w.ring.Items) != 0 {
			t.Errorf("%s: not swept after a list", name)
		}
	}
}

func TestDamagedTokens(t *testing.T) {
	whole, err := encodeToken(nameA, token("EXAMPLE-secret"))
	if err != nil {
		t.Fatal(err)
	}
	for why, data := range map[string][]byte{
		"not valid JSON":          whole[:len(whole)-9],
		"another type of item":    bytes.Replace(whole, []byte(`"token"`), []byte(`"journal"`), 1),
		"version 9":               bytes.Replace(whole, []byte(`"version":1`), []byte(`"version":9`), 1),
		"under another name":      bytes.Replace(whole, []byte(nameA), []byte(nameB), 1),
		"has no content":          bytes.Replace(whole, []byte(`{"s":"EXAMPLE-secret"}`), []byte(`7`), 1),
		"no valid expiry time":    bytes.Replace(whole, []byte(`"2030-`), []byte(`"0000-`), 1),
		"bytes, expected at most": append(whole, bytes.Repeat([]byte(" "), maxItem)...),
	} {
		w := newTestSessions(t)
		w.ring.Items[nameA] = keystore.Item{Name: nameA, Data: data}
		got, warnings, err := w.tokens().Find(t.Context(), nameA)
		var damaged *DamagedError
		if err != nil || len(warnings) != 1 || !errors.As(warnings[0], &damaged) || got.Secret != nil {
			t.Fatalf("%s: Find = %v, %v, %v", why, got, warnings, err)
		}
		if text := warnings[0].Error(); !strings.Contains(text, why) || strings.Contains(text, "EXAMPLE") {
			t.Errorf("the warning is %q, want %q", text, why)
		}
		calls := 0
		if _, _, err := w.tokens().Get(t.Context(), tokenRequest("EXAMPLE", &calls)); err != nil || calls != 1 {
			t.Errorf("%s: Get called Create %d times and returned %v", why, calls, err)
		}
	}
}

func TestTokenFormatHidesSecret(t *testing.T) {
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		if text := fmt.Sprintf(verb, token("EXAMPLE-secret")); strings.Contains(text, "EXAMPLE") || !strings.Contains(text, "corp") {
			t.Errorf("%s prints %s", verb, text)
		}
	}
}

// FuzzDecodeToken checks that a token stays the same when it is decoded, encoded and decoded again.
func FuzzDecodeToken(f *testing.F) {
	whole, err := encodeToken(nameA, token("EXAMPLE"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(bytes.Replace(whole, []byte(`{"s"`), []byte(`{  "s" `), 1))
	f.Fuzz(func(t *testing.T, data []byte) {
		k, err := decodeToken(nameA, data)
		if err != nil {
			var damaged *DamagedError
			if !errors.As(err, &damaged) || k.Secret != nil {
				t.Fatalf("decoded %v, %v", k, err)
			}
			return
		}
		again, err := encodeToken(nameA, k)
		if err != nil {
			t.Fatal(err)
		}
		back, err := decodeToken(nameA, again)
		if err != nil && len(again) <= maxItem {
			t.Fatal(err)
		}
		var was, is any
		if err == nil && (json.Unmarshal(k.Secret, &was) != nil || json.Unmarshal(back.Secret, &is) != nil || !reflect.DeepEqual(was, is) || !back.Expires.Equal(k.Expires)) {
			t.Fatalf("%s became %s", k.Secret, back.Secret)
		}
	})
}
