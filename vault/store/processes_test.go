package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aws-vault/internal/testproc"
	"aws-vault/vault/disk"
)

func init() {
	functions["get"] = getSession
	functions["get and fail"] = getAndFail
	functions["hold while creating"] = holdWhileCreating
	functions["append"] = appendMany
	functions["hold a device"] = holdDevice
}

const processes = 20

// shared returns a Sessions for one process. The Sessions of all processes use the folder dir.
func shared(dir string) *Sessions {
	now := func() time.Time { return noon }
	locks := &Locks{Dir: disk.NewFolder(filepath.Join(dir, "locks")), Program: "aws-vault test", Now: now}
	locks.onWait = func(path string) { mark(dir, "waits") }
	return &Sessions{
		Ring: dirRing{filepath.Join(dir, "ring")}, Locks: locks, Now: now, Cancelled: isCancelled,
		Index: &Index{Dir: disk.NewFolder(dir), Locks: locks},
	}
}

func sharedDir(t *testing.T) string {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "ring"), 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

// mark creates a file in dir. The name of the file shows other processes what this process has done.
func mark(dir, what string) {
	f, err := os.CreateTemp(dir, what+"-*")
	if err == nil {
		f.Close()
	}
}

func marks(dir, what string) int {
	found, _ := filepath.Glob(filepath.Join(dir, what+"-*"))
	return len(found)
}

func awaitMarks(dir, what string, n int) error {
	for deadline := time.Now().Add(time.Minute); marks(dir, what) < n; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			return fmt.Errorf("%d processes have left %q, want %d", marks(dir, what), what, n)
		}
	}
	return nil
}

// createLast returns a Create function that first waits until all other processes wait for the lock.
func createLast(dir string) func(context.Context) (Created, error) {
	return func(context.Context) (Created, error) {
		mark(dir, "created")
		err := awaitMarks(dir, "waits", processes-1)
		return Created{Credentials: temporary(noon.Add(time.Hour))}, err
	}
}

func getSession(dir string) error {
	k, warnings, err := shared(dir).Get(context.Background(), Request{Name: nameA, Create: createLast(dir)})
	if err == nil && k.Credentials.SessionToken != testToken {
		err = errors.New("the session is another")
	}
	return errors.Join(append(warnings, err)...)
}

func getAndFail(dir string) error {
	_, _, err := shared(dir).Get(context.Background(), Request{Name: nameA, Create: func(ctx context.Context) (Created, error) {
		if _, err := createLast(dir)(ctx); err != nil {
			return Created{}, err
		}
		return Created{}, errCancelled
	}})
	var owner *LockOwnerError
	switch {
	case errors.As(err, &owner) && owner.Cancelled && owner.Text == errCancelled.Error() && owner.Process != os.Getpid():
		mark(dir, "shared")
	case errors.Is(err, errCancelled):
		mark(dir, "own")
	default:
		return fmt.Errorf("Get returned %v", err)
	}
	return nil
}

func holdWhileCreating(dir string) error {
	_, _, err := shared(dir).Get(context.Background(), Request{Name: nameA, Create: func(context.Context) (Created, error) {
		testproc.Ready()
		testproc.WaitForRelease()
		return Created{}, errBroken
	}})
	return err
}

func runTogether(t *testing.T, part, dir string) {
	t.Helper()
	var all []*testproc.Process
	for range processes {
		all = append(all, testproc.Start(t, part, dir))
	}
	for _, a := range all {
		a.AwaitSuccess(t)
	}
}

func TestOneCreatorAcrossProcesses(t *testing.T) {
	dir := sharedDir(t)
	runTogether(t, "get", dir)
	if n := marks(dir, "created"); n != 1 {
		t.Errorf("created %d sessions, want 1", n)
	}
}

func TestFailureIsSharedAcrossProcesses(t *testing.T) {
	dir := sharedDir(t)
	runTogether(t, "get and fail", dir)
	if created, own, shared := marks(dir, "created"), marks(dir, "own"), marks(dir, "shared"); created != 1 || own != 1 || shared != processes-1 {
		t.Errorf("%d calls of Create, %d own failures and %d shared failures, want 1, 1 and %d", created, own, shared, processes-1)
	}
	s, created := shared(dir), false
	_, _, err := s.Get(t.Context(), Request{Name: nameA, Create: func(context.Context) (Created, error) {
		created = true
		return Created{Credentials: temporary(noon.Add(time.Hour))}, nil
	}})
	if err != nil || !created {
		t.Errorf("a later Get returned %v", err)
	}
}

// The process that creates the session is killed while the other processes wait. One of the waiting processes then
// creates the session, and the others use it.
func TestKilledCreator(t *testing.T) {
	dir := sharedDir(t)
	owner := testproc.Start(t, "hold while creating", dir)
	owner.AwaitReady(t)
	var rest []*testproc.Process
	for range processes {
		rest = append(rest, testproc.Start(t, "get", dir))
	}
	if err := awaitMarks(dir, "waits", processes); err != nil {
		t.Fatal(err)
	}
	owner.Kill()
	for _, a := range rest {
		a.AwaitSuccess(t)
	}
	if n := marks(dir, "created"); n != 1 {
		t.Errorf("created %d sessions, want 1", n)
	}
}

const appended = 50

func appendMany(dir string) error {
	s := shared(dir)
	for i := range appended {
		e := Entry{Name: fmt.Sprintf("%d-%d", os.Getpid(), i), Profile: strings.Repeat("p", i), Created: noon, Expires: noon.Add(time.Hour)}
		if err := s.Index.add(context.Background(), e); err != nil {
			return err
		}
	}
	return nil
}

func TestIndexAcrossProcesses(t *testing.T) {
	dir := sharedDir(t)
	runTogether(t, "append", dir)
	s := shared(dir)
	if n := len(s.Index.Entries()); n != processes*appended {
		t.Errorf("the index has %d entries, want %d", n, processes*appended)
	}
	raw, err := os.ReadFile(s.Index.Dir.File(indexFile))
	if n := strings.Count(string(raw), "\n"); err != nil || n != processes*appended {
		t.Errorf("the index has %d lines (%v), want %d", n, err, processes*appended)
	}
}

const testSerial = "arn:aws:iam::123456789012:mfa/bob"

func codesIn(dir string) *Codes {
	return &Codes{Dir: disk.NewFolder(filepath.Join(dir, "codes")), Locks: shared(dir).Locks}
}

func holdDevice(dir string) error {
	_, d, err := codesIn(dir).LockDevice(context.Background(), testSerial, "a code")
	if err != nil {
		return err
	}
	if err := d.MarkSent("123456"); err != nil {
		return err
	}
	testproc.Ready()
	testproc.WaitForRelease()
	return nil // the lock is released when this process ends
}

func TestDeviceLockAcrossProcesses(t *testing.T) {
	dir := sharedDir(t)
	other := testproc.Start(t, "hold a device", dir)
	other.AwaitReady(t)
	got := make(chan *DeviceLock)
	go func() {
		_, d, err := codesIn(dir).LockDevice(t.Context(), testSerial, "a code")
		if err != nil {
			t.Error(err)
		}
		got <- d
	}()
	if err := awaitMarks(dir, "waits", 1); err != nil {
		t.Fatal(err)
	}
	other.Release()
	d := <-got
	if d == nil {
		return
	}
	defer d.Close()
	if !d.WasSent("123456") || d.WasSent("123457") {
		t.Error("the code that the other process sent is not known")
	}
}
