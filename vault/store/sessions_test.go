package store

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"aws-vault/vault/keystore"
)

// Returning a cached session costs one read of the keystore and no access to the state folder.
func TestCachedSessionCost(t *testing.T) {
	w := newTestSessions(t)
	w.put(t, nameA, session(time.Hour))
	for range 2 {
		clear(w.ring.Calls)
		if _, warnings, err := w.Get(t.Context(), Request{Name: nameA, MinLeft: time.Minute}); err != nil || warnings != nil {
			t.Fatal(warnings, err)
		}
		if w.ring.Calls["Item"] != 1 || len(w.ring.Calls) != 1 {
			t.Errorf("the keystore calls were %v, want one Item call", w.ring.Calls)
		}
	}
	if _, err := os.Stat(w.dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("reading a cached session created the state folder (%v)", err)
	}
}

func TestCreatedAlreadyExpired(t *testing.T) {
	for _, c := range []struct {
		name       string
		left, skew time.Duration
		want       bool
	}{
		{"good", time.Hour, 0, true},
		{"gone", -time.Second, 0, false},
		{"at this moment", 0, 0, false},
		{"clock ahead by more than its lifetime", -time.Hour, -2 * time.Hour, true},
		{"clock behind", time.Hour, 2 * time.Hour, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newTestSessions(t)
			_, _, err := w.Get(t.Context(), Request{Name: nameA, Create: func(context.Context) (Created, error) {
				return Created{Credentials: temporary(noon.Add(c.left)), Skew: c.skew}, nil
			}})
			var expired *ExpiredError
			if errors.As(err, &expired) == c.want {
				t.Fatalf("Get returned %v", err)
			}
			if !c.want && (!expired.Expired.Equal(noon.Add(c.left)) || len(w.ring.Items) != 0) {
				t.Errorf("the error is %v, and %d items were stored", expired, len(w.ring.Items))
			}
			if !c.want && !strings.Contains(expired.Error(), "had already expired at 2030-01-01T") {
				t.Errorf("the error is %q", expired)
			}
		})
	}
}

func TestWithoutExpiry(t *testing.T) {
	w := newTestSessions(t)
	for range 2 {
		calls := 0
		k, warnings, err := w.Get(t.Context(), Request{Name: nameA, Create: func(context.Context) (Created, error) {
			calls++
			c := temporary(time.Time{})
			c.CanExpire = false
			return Created{Credentials: c}, nil
		}})
		if err != nil || warnings != nil || calls != 1 || k.Credentials.AccessKeyID != testKeyID {
			t.Errorf("Get = %v, %v, %v after %d calls of Create", k.Credentials, warnings, err, calls)
		}
	}
	if w.ring.Calls["Put"] != 0 || w.ring.Calls["Names"] != 0 {
		t.Errorf("the keystore calls were %v", w.ring.Calls)
	}
}

// If the cached session is valid for longer than the request allows, for example with --duration, Get returns a
// shorter session and caches it under LimitedName.
func TestMaxLeft(t *testing.T) {
	w, calls := newTestSessions(t), 0
	long := w.lasting(8*time.Hour, &calls)
	get := func(a Request) Session {
		t.Helper()
		k, warnings, err := w.Get(t.Context(), a)
		if err != nil || warnings != nil {
			t.Fatal(warnings, err)
		}
		return k
	}
	get(Request{Name: nameA, Create: long})
	short := Request{Name: nameA, MaxLeft: time.Hour, LimitedName: nameB, Create: w.lasting(time.Hour, &calls)}
	for range 2 {
		if k := get(short); k.Left(w.now) != time.Hour || calls != 2 {
			t.Errorf("the short session has %v left after %d calls of Create", k.Left(w.now), calls)
		}
	}
	if k := get(Request{Name: nameA, Create: long}); k.Left(w.now) != 8*time.Hour || calls != 2 {
		t.Errorf("the long session has %v left after %d calls of Create", k.Left(w.now), calls)
	}
	w.now = noon.Add(7 * time.Hour) // now the session nameA no longer exceeds MaxLeft
	if k := get(short); !k.Created.Equal(noon) || calls != 2 {
		t.Errorf("the session was created at %v, with %d calls of Create", k.Created, calls)
	}
}

// While a process waits for the lock, another process stores a session that exceeds MaxLeft. The new session must
// then be created under the lock of LimitedName.
func TestMaxLeftUsesItsOwnLock(t *testing.T) {
	w, calls := newTestSessions(t), 0
	_, lock, err := w.Locks.Session(t.Context(), nameA, "")
	if err != nil {
		t.Fatal(err)
	}
	answer := make(chan error)
	go func() {
		_, _, err := w.Get(t.Context(), Request{Name: nameA, MaxLeft: time.Hour, LimitedName: nameB, Create: func(ctx context.Context) (Created, error) {
			free, err := w.Locks.tryAcquire(sessionFile(nameA))
			if err != nil || free == nil {
				t.Errorf("the lock of the long session is held (%v)", err)
			} else {
				free.Close()
			}
			if held, err := w.Locks.tryAcquire(sessionFile(nameB)); err != nil || held != nil {
				t.Errorf("the lock of the short session is free (%v)", err)
			}
			return w.lasting(time.Hour, &calls)(ctx)
		}})
		answer <- err
	}()
	w.awaitQueue(t, sessionFile(nameA), 1)
	w.put(t, nameA, session(8*time.Hour))
	lock.Close()
	if err := <-answer; err != nil || calls != 1 {
		t.Errorf("Get returned %v after %d calls of Create", err, calls)
	}
}

// BeforeCreate is called before a session is created. It is not called if a cached session is returned.
func TestBeforeCreate(t *testing.T) {
	w, calls := newTestSessions(t), 0
	var expected []int
	w.BeforeCreate = func() { expected = append(expected, calls) }
	for range 2 {
		if _, _, err := w.Get(t.Context(), Request{Name: nameA, Create: w.lasting(time.Hour, &calls)}); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(expected, []int{0}) {
		t.Errorf("BeforeCreate was called after %v calls of Create, want one call before the first", expected)
	}
}

func TestLockedKeystore(t *testing.T) {
	refused := &keystore.LockedError{Backend: "test", Reason: "the prompt was dismissed"}
	t.Run("before", func(t *testing.T) {
		w, calls := newTestSessions(t), 0
		w.ring.Errors["Item"] = refused
		k, _, err := w.Get(t.Context(), Request{Name: nameA, Create: w.lasting(time.Hour, &calls)})
		if !errors.Is(err, keystore.ErrLocked) || calls != 0 || k != (Session{}) {
			t.Errorf("Get = %+v, %v after %d calls of Create, want the keystore's error", k, err, calls)
		}
		if found, err := w.Find(t.Context(), Request{Name: nameA}); found.Fresh || !errors.Is(err, keystore.ErrLocked) {
			t.Errorf("Find = %t, %v", found.Fresh, err)
		}
	})
	t.Run("once we hold the lock", func(t *testing.T) {
		w, calls := newTestSessions(t), 0
		w.ring.BeforeAny = func(string) { w.ring.Errors["Item"] = refused }
		_, _, err := w.Get(t.Context(), Request{Name: nameA, Create: w.lasting(time.Hour, &calls)})
		if !errors.Is(err, keystore.ErrLocked) || calls != 0 {
			t.Errorf("Get returned %v after %d calls of Create", err, calls)
		}
		if h, err := w.Locks.tryAcquire(sessionFile(nameA)); h == nil {
			t.Errorf("the lock is still held (%v)", err)
		}
	})
}

func TestSaveFails(t *testing.T) {
	get := func(w *testSessions) {
		t.Helper()
		calls := 0
		k, warnings, err := w.Get(t.Context(), Request{Name: nameA, Create: w.lasting(time.Hour, &calls)})
		if err != nil || k.Credentials.AccessKeyID != testKeyID || len(warnings) != 1 {
			t.Fatalf("Get = %v, %v, %v, want the session and one warning", k.Credentials, warnings, err)
		}
		if strings.Contains(warnings[0].Error(), testSecret) {
			t.Errorf("the warning is %q", warnings[0])
		}
	}
	t.Run("keystore", func(t *testing.T) {
		w := newTestSessions(t)
		w.ring.Errors["Put"] = errBroken
		get(w)
		if known := w.Index.Entries(); len(known) != 0 {
			t.Errorf("the index has %v", known)
		}
	})
	t.Run("index", func(t *testing.T) {
		w := newTestSessions(t)
		if err := os.MkdirAll(w.Index.Dir.File(indexFile), 0o700); err != nil {
			t.Fatal(err)
		}
		get(w)
		if len(w.ring.Items) != 1 {
			t.Error("the session was not stored")
		}
	})
	t.Run("too large", func(t *testing.T) {
		w := newTestSessions(t)
		_, warnings, err := w.Get(t.Context(), Request{Name: nameA, Create: func(context.Context) (Created, error) {
			c := temporary(noon.Add(time.Hour))
			c.SessionToken = strings.Repeat("x", maxItem)
			return Created{Credentials: c}, nil
		}})
		if err != nil || len(warnings) != 1 || w.ring.Calls["Put"] != 0 {
			t.Errorf("Get returned the warnings %v and the error %v", warnings, err)
		}
	})
	t.Run("time out of bounds", func(t *testing.T) {
		w := newTestSessions(t)
		_, warnings, err := w.Get(t.Context(), Request{Name: nameA, Create: func(context.Context) (Created, error) {
			return Created{Credentials: temporary(noon.AddDate(9000, 0, 0))}, nil
		}})
		if err != nil || len(warnings) != 1 || w.ring.Calls["Put"] != 0 {
			t.Errorf("Get returned the warnings %v and the error %v", warnings, err)
		}
	})
}

// If Create panics and the server recovers from the panic, the lock must be released.
func TestCreatePanics(t *testing.T) {
	w, calls := newTestSessions(t), 0
	func() {
		defer func() { recover() }()
		w.Get(t.Context(), Request{Name: nameA, Create: func(context.Context) (Created, error) { panic("broken") }})
	}()
	if h, err := w.Locks.tryAcquire(sessionFile(nameA)); h == nil {
		t.Fatalf("the lock is still held (%v)", err)
	} else {
		h.Close()
	}
	if _, _, err := w.Get(t.Context(), Request{Name: nameA, Create: w.lasting(time.Hour, &calls)}); err != nil || calls != 1 {
		t.Errorf("the next Get returned %v after %d calls of Create", err, calls)
	}
}
