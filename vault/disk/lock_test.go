package disk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"aws-vault/internal/testproc"
)

func init() {
	functions["count"] = countUnderLock
	functions["hold the lock"] = holdLock
}

func lockPath(t *testing.T) string { return filepath.Join(t.TempDir(), "lock") }

func TestTryLock(t *testing.T) {
	path := lockPath(t)
	l, held, err := tryLockAt(path)
	if err != nil || !held {
		t.Fatalf("TryLock = %v, %v", held, err)
	}
	if other, held, err := tryLockAt(path); held || other != nil || err != nil {
		t.Errorf("TryLock of a held lock = %v, %v", held, err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	l, held, err = tryLockAt(path)
	if err != nil || !held {
		t.Fatalf("TryLock after Close = %v, %v", held, err)
	}
	l.Close()
	if _, _, err := tryLockAt(filepath.Join(path, "below a file")); err == nil {
		t.Error("tryLockAt returned nil for a path below a file")
	}
}

func TestLockEndsWithContext(t *testing.T) {
	path := lockPath(t)
	held, err := lockAt(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	cause := errors.New("the test has ended it")
	ctx, cancel := context.WithCancelCause(context.Background())
	done := make(chan error)
	go func() {
		_, err := lockAt(ctx, path)
		done <- err
	}()
	cancel(cause)
	if err := <-done; !errors.Is(err, cause) {
		t.Errorf("Lock returned %v, want %v", err, cause)
	}
	held.Close()
	// The cancelled wait may still acquire the lock for a moment. It must then release the lock.
	next, err := lockAt(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	next.Close()
	if _, err := lockAt(ctx, path); !errors.Is(err, cause) {
		t.Errorf("Lock with an ended context returned %v", err)
	}
}

func TestLockWithinProcess(t *testing.T) {
	path := lockPath(t)
	var inside, most int
	var mu sync.Mutex
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			l, err := lockAt(context.Background(), path)
			if err != nil {
				t.Error(err)
				return
			}
			defer l.Close()
			mu.Lock()
			inside++
			most = max(most, inside)
			mu.Unlock()
			for range 100 {
				runtime.Gosched() // let other goroutines run while the lock is held
			}
			mu.Lock()
			inside--
			mu.Unlock()
		})
	}
	all.Wait()
	if most != 1 {
		t.Errorf("%d goroutines held the lock at once, want 1", most)
	}
}

// countUnderLock repeatedly acquires the lock, adds 1 to the number in a file, and releases the lock.
func countUnderLock(path string) error {
	for range counts {
		l, err := lockAt(context.Background(), path)
		if err != nil {
			return err
		}
		if err := countOnce(path + ".count"); err != nil {
			return err
		}
		if err := l.Close(); err != nil {
			return err
		}
	}
	return nil
}

const counts = 100

func countOnce(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil {
		return err
	}
	return os.WriteFile(path, fmt.Appendf(nil, "%8d", n+1), 0o600)
}

func TestLockBetweenProcesses(t *testing.T) {
	path := lockPath(t)
	write(t, path+".count", "0")
	processes := make([]*testproc.Process, 8)
	for i := range processes {
		processes[i] = testproc.Start(t, "count", path)
	}
	for _, p := range processes {
		p.AwaitSuccess(t)
	}
	wantFile(t, path+".count", fmt.Sprintf("%8d", len(processes)*counts))
}

func holdLock(path string) error {
	l, err := lockAt(context.Background(), path)
	if err != nil {
		return err
	}
	if err := l.WriteNote([]byte("held by a test")); err != nil {
		return err
	}
	testproc.Ready()
	testproc.WaitForRelease()
	return nil
}

func TestLockEndsWithProcess(t *testing.T) {
	path := lockPath(t)
	p := testproc.Start(t, "hold the lock", path)
	p.AwaitReady(t)
	if _, held, err := tryLockAt(path); held || err != nil {
		t.Fatalf("TryLock of another process's lock = %v, %v", held, err)
	}
	if note, err := noteAt(path); err != nil || string(note) != "held by a test" {
		t.Errorf("the note is %q, %v", note, err)
	}
	p.Kill()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	l, err := lockAt(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
}

// TestLockOfReplacedFile deletes the lock file while one goroutine holds the lock and a second goroutine waits for
// the lock. The second goroutine must get the lock of the new file at the path.
func TestLockOfReplacedFile(t *testing.T) {
	path := lockPath(t)
	first, err := lockAt(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan *LockFile)
	go func() {
		l, err := lockAt(context.Background(), path)
		if err != nil {
			t.Error(err)
		}
		got <- l
	}()
	if err := os.Remove(path); err != nil {
		t.Skip("this system cannot delete open files")
	}
	first.Close()
	second := <-got
	defer second.Close()
	if _, held, err := tryLockAt(path); held || err != nil {
		t.Errorf("two goroutines hold the lock at one path (%v)", err)
	}
}

func TestRemoveLock(t *testing.T) {
	path := lockPath(t)
	l, err := lockAt(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := NewFolder(filepath.Dir(path)).RemoveLock("lock"); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("the file of a held lock was deleted: %v", err)
	}
	l.Close()
	if err := NewFolder(filepath.Dir(path)).RemoveLock("lock"); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the file of a free lock was not deleted (%v)", err)
	}
	write(t, path, "")
	if err := NewFolder(path).RemoveLock("below"); err == nil {
		t.Error("RemoveLock returned nil for a path below a file")
	}
}

// TestRemoveLockUnderContention deletes the lock file repeatedly while several processes use the lock. At most one
// process may hold the lock at a time.
func TestRemoveLockUnderContention(t *testing.T) {
	path := lockPath(t)
	write(t, path+".count", "0")
	processes := make([]*testproc.Process, 4)
	for i := range processes {
		processes[i] = testproc.Start(t, "count", path)
	}
	ended, removing := make(chan struct{}), make(chan error)
	go func() {
		for {
			select {
			case <-ended:
				removing <- nil
				return
			default:
				if err := NewFolder(filepath.Dir(path)).RemoveLock("lock"); err != nil {
					removing <- err
					return
				}
			}
		}
	}()
	for _, p := range processes {
		p.AwaitSuccess(t)
	}
	close(ended)
	if err := <-removing; err != nil {
		t.Error(err)
	}
	wantFile(t, path+".count", fmt.Sprintf("%8d", len(processes)*counts))
}

func TestVerifyLock(t *testing.T) {
	path := lockPath(t)
	f, err := openLock(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Skip("this system cannot delete open files")
	}
	if l, err := verifyLock(path, f); l != nil || err != nil {
		t.Errorf("verifyLock of a deleted file = %v, %v", l, err)
	}
	f, err = openLock(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path, path+".moved"); err != nil {
		t.Fatal(err)
	}
	write(t, path, "")
	if l, err := verifyLock(path, f); l != nil || err != nil {
		t.Errorf("verifyLock of a replaced file = %v, %v", l, err)
	}
	f, err = openLock(path)
	if err != nil {
		t.Fatal(err)
	}
	if l, err := verifyLock(path+"/below", f); l != nil || err == nil {
		t.Errorf("verifyLock below a file = %v, %v", l, err)
	}
}

func TestNote(t *testing.T) {
	path := lockPath(t)
	if note, err := noteAt(path); note != nil || err != nil {
		t.Errorf("without a file the note is %q, %v", note, err)
	}
	l, err := lockAt(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	if note, err := l.ReadNote(); note != nil || err != nil {
		t.Errorf("in a new file the note is %q, %v", note, err)
	}
	for _, text := range []string{"a long note, written first", "short", strings.Repeat("n", MaxNote), ""} {
		if err := l.WriteNote([]byte(text)); err != nil {
			t.Fatal(err)
		}
		for _, read := range []func() ([]byte, error){l.ReadNote, func() ([]byte, error) { return noteAt(path) }} {
			if note, err := read(); err != nil || string(note) != text {
				t.Errorf("the note is %.30q, %v, want %.30q", note, err, text)
			}
		}
	}
	if err := l.WriteNote(make([]byte, MaxNote+1)); err == nil || !strings.Contains(err.Error(), "expected at most") {
		t.Errorf("a note that is too long returned %v", err)
	}
	if err := l.WriteNote([]byte("stays")); err != nil {
		t.Fatal(err)
	}
	l.Close()
	if note, err := noteAt(path); err != nil || string(note) != "stays" {
		t.Errorf("after Close the note is %q, %v", note, err)
	}
	if _, err := noteAt(filepath.Dir(path)); err == nil {
		t.Error("noteAt returned nil for a directory")
	}
	if _, err := noteAt(path + "/below"); err == nil {
		t.Error("noteAt returned nil for a path below a file")
	}
}

func FuzzDecodeNote(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0, 0, 0, 0, 0, 0})
	f.Add([]byte{0, 1, 0xE8, 0xB7, 0xBE, 0x43, 'a', 'x'})
	f.Add([]byte{0xff, 0xff, 0, 0, 0, 0, 'a'})
	f.Fuzz(func(t *testing.T, block []byte) {
		note := decodeNote(block)
		if len(note) > len(block) || note != nil && !bytes.Contains(block, note) {
			t.Errorf("decoded a note of %d bytes from a block of %d", len(note), len(block))
		}
	})
}
