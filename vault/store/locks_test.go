package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"aws-vault/vault/disk"
)

// awaitQueue blocks until n goroutines have begun to wait for the lock.
func (w *testSessions) awaitQueue(t *testing.T, file string, n int) {
	t.Helper()
	for range n {
		select {
		case at := <-w.waiters:
			if at != file {
				t.Errorf("a goroutine waits for %s, want %s", filepath.Base(at), file)
			}
		case <-time.After(30 * time.Second):
			t.Errorf("not enough goroutines wait for %s", file)
			return
		}
	}
}

// All callers of Get find no cached session. Create blocks until all callers but one wait for the lock. Only one
// session is created.
func TestOneCreator(t *testing.T) {
	t.Run("in a folder", func(t *testing.T) { testOneCreator(t, newTestSessions(t)) })
	t.Run("without a folder", func(t *testing.T) { testOneCreator(t, newTestSessions(t).withoutFolder(t)) })
}

func testOneCreator(t *testing.T, w *testSessions) {
	const callers = 50
	var calls atomic.Int32
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			k, warnings, err := w.Get(t.Context(), Request{Name: nameA, MinLeft: time.Minute, Create: func(context.Context) (Created, error) {
				if calls.Add(1) == 1 {
					w.awaitQueue(t, sessionFile(nameA), callers-1)
				}
				return Created{Credentials: temporary(noon.Add(time.Hour))}, nil
			}})
			if err != nil || warnings != nil || k.Credentials.AccessKeyID != testKeyID {
				t.Errorf("Get = %v, %v, %v", k.Credentials, warnings, err)
			}
		})
	}
	all.Wait()
	if calls.Load() != 1 {
		t.Errorf("created %d sessions, want 1", calls.Load())
	}
}

func TestFailureIsShared(t *testing.T) {
	t.Run("in a folder", func(t *testing.T) { testOneFailure(t, newTestSessions) })
	t.Run("without a folder", func(t *testing.T) {
		testOneFailure(t, func(t *testing.T) *testSessions { return newTestSessions(t).withoutFolder(t) })
	})
}

func testOneFailure(t *testing.T, newTestSessions func(*testing.T) *testSessions) {
	const callers = 20
	for _, why := range []error{errBroken, errCancelled} {
		t.Run(why.Error(), func(t *testing.T) {
			w := newTestSessions(t)
			w.Cancelled = isCancelled
			var calls, shared atomic.Int32
			var all sync.WaitGroup
			for range callers {
				all.Go(func() {
					_, _, err := w.Get(t.Context(), Request{Name: nameA, Create: func(context.Context) (Created, error) {
						if calls.Add(1) == 1 {
							w.awaitQueue(t, sessionFile(nameA), callers-1)
						}
						return Created{}, fmt.Errorf("asking: %w", why)
					}})
					var owner *LockOwnerError
					if errors.As(err, &owner) {
						shared.Add(1)
						if owner.Process != os.Getpid() || owner.Text != "asking: "+why.Error() || owner.Cancelled != (why == errCancelled) {
							t.Errorf("the shared failure is %+v", owner)
						}
						if !strings.Contains(err.Error(), "which failed: asking") {
							t.Errorf("the error is %q", err)
						}
					} else if !errors.Is(err, why) {
						t.Errorf("Get returned %v", err)
					}
				})
			}
			all.Wait()
			if calls.Load() != 1 || shared.Load() != callers-1 {
				t.Errorf("%d calls of Create and %d shared failures, want 1 and %d", calls.Load(), shared.Load(), callers-1)
			}
			count := 0
			if _, _, err := w.Get(t.Context(), Request{Name: nameA, Create: w.lasting(time.Hour, &count)}); err != nil || count != 1 {
				t.Errorf("a later Get returned %v after %d calls of Create, want one new call", err, count)
			}
		})
	}
}

// A failure that happened before the wait began is ignored.
func TestOldFailureIsIgnored(t *testing.T) {
	for at, want := range map[time.Time]bool{noon: true, noon.Add(-time.Second): false} {
		w := newTestSessions(t)
		_, held, err := w.Locks.Session(t.Context(), nameA, "")
		if err != nil {
			t.Fatal(err)
		}
		got := make(chan error)
		go func() {
			_, h, err := w.Locks.Session(t.Context(), nameA, "")
			if err == nil {
				h.Close()
			}
			got <- err
		}()
		w.awaitQueue(t, sessionFile(nameA), 1)
		held.Fail(at, errBroken, false)
		var owner *LockOwnerError
		if err := <-got; errors.As(err, &owner) != want {
			t.Errorf("with a failure at %v, Session returned %v", at, err)
		}
	}
}

// One process fails while a second process waits. Before the second process gets the lock, a third process creates
// the session. The second process returns this session and not the failure.
func TestCreatedAfterFailure(t *testing.T) {
	w := newTestSessions(t)
	_, held, err := w.Locks.Session(t.Context(), nameA, "")
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan error)
	go func() {
		_, warnings, err := w.Get(t.Context(), Request{Name: nameA})
		got <- errors.Join(append(warnings, err)...)
	}()
	w.awaitQueue(t, sessionFile(nameA), 1)
	w.put(t, nameA, session(time.Hour))
	held.Fail(noon, errBroken, false)
	if err := <-got; err != nil {
		t.Errorf("Get returned %v, want the session", err)
	}
}

// A process that is stopped writes no failure to the note, so a waiting process calls Create itself.
func TestCancelledCreator(t *testing.T) {
	w := newTestSessions(t)
	ctx, stop := context.WithCancelCause(t.Context())
	first, calls := make(chan error), 0
	begun := make(chan bool)
	go func() {
		_, _, err := w.Get(ctx, Request{Name: nameA, Create: func(ctx context.Context) (Created, error) {
			close(begun)
			<-ctx.Done()
			return Created{}, context.Cause(ctx)
		}})
		first <- err
	}()
	<-begun
	second := make(chan error)
	go func() {
		_, _, err := w.Get(t.Context(), Request{Name: nameA, Create: w.lasting(time.Hour, &calls)})
		second <- err
	}()
	w.awaitQueue(t, sessionFile(nameA), 1)
	stop(errBroken)
	if err := <-first; !errors.Is(err, errBroken) {
		t.Errorf("the first Get returned %v", err)
	}
	if err := <-second; err != nil || calls != 1 {
		t.Errorf("the second Get returned %v after %d calls of Create", err, calls)
	}
}

func TestWaitEndsWithContext(t *testing.T) {
	w := newTestSessions(t)
	file := sessionFile(nameA)
	for name, holder := range map[string]*Locks{"this process": w.Locks, "another": {Dir: w.Locks.Dir, Now: w.Now}} {
		_, held, err := holder.Session(t.Context(), nameA, "")
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancelCause(t.Context())
		stop(errBroken)
		if _, _, err := w.Locks.Session(ctx, nameA, ""); !errors.Is(err, errBroken) {
			t.Errorf("%s: Session returned %v, want the cause of the context", name, err)
		}
		if err := held.Close(); err != nil {
			t.Error(err)
		}
		if err := held.Close(); err != nil {
			t.Errorf("the second Close returned %v", err)
		}
		h, err := w.Locks.tryAcquire(file)
		if err != nil || h == nil {
			t.Fatalf("%s: the lock is not free: %v", name, err)
		}
		h.Close()
	}
}

// The locks of different sessions, tokens and devices do not block each other.
func TestLocksAreIndependent(t *testing.T) {
	w := newTestSessions(t)
	for i := range 300 { // 900 lock files are open at the same time
		id := fmt.Sprintf("%032x", i)
		for kind, take := range map[string]func(context.Context, string, string) (context.Context, *Lock, error){
			"session": w.Locks.Session, "token": w.Locks.token, "device": w.Locks.device,
		} {
			ctx, stop := context.WithCancelCause(t.Context())
			w.Locks.onWait = func(path string) { stop(fmt.Errorf("%s is held", filepath.Base(path))) }
			_, held, err := take(ctx, id, "")
			if err != nil {
				t.Fatalf("%s %d waits for another lock: %v", kind, i, err)
			}
			defer held.Close()
		}
	}
}

// Sweep removes lock files that have not been used for a day, including lock files of older versions. It removes
// neither files of held locks nor files of locks with fixed names.
func TestSweepLockFiles(t *testing.T) {
	w := newTestSessions(t)
	w.now = time.Now()
	for _, name := range []string{"session-old", "session-0-017", "token-old", "token-1-100", "device-old", "device-7f", "session-new", "session-held", "index"} {
		_, held, err := w.Locks.Named(t.Context(), name, "")
		if err != nil {
			t.Fatal(err)
		}
		if name == "session-held" {
			defer held.Close()
		} else {
			held.Close()
		}
		if name != "session-new" {
			old := w.now.Add(-unusedLockAge - time.Minute)
			if err := os.Chtimes(w.Locks.Dir.File(name), old, old); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.Sweep(t.Context())
	left, err := w.Locks.Dir.Entries()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range left {
		names = append(names, f.Name())
	}
	if got, want := strings.Join(names, " "), "index session-held session-new sweep"; got != want {
		t.Errorf("the remaining locks are %s, want %s", got, want)
	}
}

// After a server has created many sessions, their local locks use no memory.
func TestLocalLocksAreReleased(t *testing.T) {
	w := newTestSessions(t)
	_, held, err := w.Locks.Session(t.Context(), nameA, "")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancelCause(t.Context())
	stop(errBroken)
	if _, _, err := w.Locks.Session(ctx, nameA, ""); !errors.Is(err, errBroken) {
		t.Errorf("Session returned %v", err)
	}
	if n := len(w.Locks.local.byName); n != 1 {
		t.Errorf("%d local locks while one is held", n)
	}
	held.Close()
	if n := len(w.Locks.local.byName); n != 0 {
		t.Errorf("%d local locks are left", n)
	}
}

// Different sessions are created at the same time.
func TestSessionsAreCreatedInParallel(t *testing.T) {
	w := newTestSessions(t)
	var both, all sync.WaitGroup
	both.Add(2)
	for _, name := range []string{nameA, nameB} {
		all.Go(func() {
			_, _, err := w.Get(t.Context(), Request{Name: name, Create: func(context.Context) (Created, error) {
				both.Done()
				both.Wait() // if the two sessions were created one after the other, this would block forever
				return Created{Credentials: temporary(noon.Add(time.Hour))}, nil
			}})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func TestSlowWaitIsReported(t *testing.T) {
	w := newTestSessions(t)
	reported := make(chan Wait, 10)
	waiter := &Locks{Dir: w.Locks.Dir, Now: w.Now, slowAfter: time.Nanosecond, OnSlowWait: func(w Wait) { reported <- w }}
	_, held, err := w.Locks.Session(t.Context(), nameA, "the MFA code\nof bob")
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan error)
	go func() {
		_, h, err := waiter.Session(t.Context(), nameA, "")
		got <- errors.Join(err, h.Close())
	}()
	want := Wait{Process: os.Getpid(), Program: "aws-vault test", Question: "the MFA code of bob"}
	if got := <-reported; got != want {
		t.Errorf("OnSlowWait got %+v, want %+v", got, want)
	}
	held.Close()
	if err := <-got; err != nil {
		t.Error(err)
	}
	if len(reported) != 0 {
		t.Errorf("OnSlowWait was called again with %+v", <-reported)
	}
	begun, finish, finished := make(chan bool), make(chan bool), atomic.Bool{}
	waiter.OnSlowWait = func(Wait) {
		close(begun)
		<-finish
		finished.Store(true)
	}
	stop := waiter.reportSlowWait("none")
	<-begun
	time.AfterFunc(10*time.Millisecond, func() { close(finish) })
	if stop(); !finished.Load() {
		t.Error("stop returned before OnSlowWait had returned")
	}
	waiter.slowAfter, waiter.OnSlowWait = time.Hour, func(w Wait) { reported <- w }
	quick := waiter.reportSlowWait(sessionFile(nameA))
	quick()
	if len(reported) != 0 {
		t.Errorf("OnSlowWait was called for a short wait: %+v", <-reported)
	}
}

// A process whose wait is limited gives up and names the process that holds the lock. Without a limit it keeps waiting.
func TestWaitIsLimited(t *testing.T) {
	w := newTestSessions(t)
	w.Locks.Program = "aws-vault exec prod"
	_, held, err := w.Locks.Named(t.Context(), "prompt", "the passphrase")
	if err != nil {
		t.Fatal(err)
	}
	limit, asked := time.Millisecond, make(chan bool, 1)
	waiter := &Locks{Dir: w.Locks.Dir, Now: w.Now, slowAfter: time.Nanosecond, MaxWait: func() time.Duration {
		asked <- true
		return limit
	}}
	_, _, err = waiter.Named(t.Context(), "prompt", "a question")
	e, ok := errors.AsType[*LockTimeoutError](err)
	if !ok || e.Wait != (Wait{os.Getpid(), "aws-vault exec prod", "the passphrase"}) || e.After != limit {
		t.Errorf("got %v", err)
	}
	<-asked
	limit = 0
	acquired := make(chan error)
	go func() {
		_, lock, err := waiter.Named(t.Context(), "prompt", "a question")
		if err == nil {
			lock.Close()
		}
		acquired <- err
	}()
	<-asked
	held.Close()
	if err := <-acquired; err != nil {
		t.Errorf("without a limit: %v", err)
	}
}

func TestLockFolderMissing(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	l := &Locks{Dir: disk.NewFolder(file), Now: func() time.Time { return noon }}
	if _, _, err := l.Named(t.Context(), "config", ""); err == nil {
		t.Error("Named returned nil although the folder is a file")
	}
	w, calls := newTestSessions(t), 0
	w.Locks.Dir = disk.NewFolder(file)
	if _, _, err := w.Get(t.Context(), Request{Name: nameA, Create: w.lasting(time.Hour, &calls)}); err == nil || calls != 0 {
		t.Errorf("without a lock, Get returned %v after %d calls of Create", err, calls)
	}
	if err := w.Index.add(t.Context(), Entry{Name: nameA}); err == nil {
		t.Error("add returned nil without a lock")
	}
	if err := w.Index.retain(t.Context(), nil); err == nil {
		t.Error("retain returned nil without a lock")
	}
}
