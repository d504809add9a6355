package store

import (
	"context"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/internal/testproc"
	"aws-vault/vault/disk"
	"aws-vault/vault/keystore"
	"aws-vault/vault/keystore/keystoretest"
)

// functions contains the test functions that package testproc can run in other processes.
var functions = map[string]testproc.Func{}

func TestMain(m *testing.M) { testproc.Main(m, functions) }

const (
	testKeyID  = "AKIAIOSFODNN7EXAMPLE"
	testSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	testToken  = "IQoJb3JpZ2luX2VjEXAMPLETOKEN"
)

// Session names are 32 hexadecimal digits.
const (
	nameA = "000102030405060708090a0b0c0d0e0f"
	nameB = "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"
)

var noon = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

// dirRing is a keystore that several processes can share. It stores items in plain text.
type dirRing struct{ dir string }

func (r dirRing) path(name string) string {
	return filepath.Join(r.dir, hex.EncodeToString([]byte(name)))
}

func (r dirRing) Item(_ context.Context, name string) (keystore.Item, error) {
	data, err := os.ReadFile(r.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return keystore.Item{}, keystore.ErrNotFound
	}
	return keystore.Item{Name: name, Data: data}, err
}

func (r dirRing) Put(_ context.Context, it keystore.Item) error {
	return disk.Replace(r.path(it.Name), it.Data, 0o600)
}

func (r dirRing) Remove(_ context.Context, name string) error { return os.Remove(r.path(name)) }

func (r dirRing) Stamp(context.Context, string) (string, error) { return "", nil }

func (r dirRing) Names(context.Context) ([]string, error) {
	entries, err := os.ReadDir(r.dir)
	var names []string
	for _, e := range entries {
		if name, err := hex.DecodeString(e.Name()); err == nil {
			names = append(names, string(name))
		}
	}
	return names, err
}

// testSessions is a Sessions whose clock the test sets.
type testSessions struct {
	*Sessions
	ring *keystoretest.Ring
	dir  string
	now  time.Time

	waiters chan string // receives the name of the lock whenever a goroutine starts to wait for a lock
}

func newTestSessions(t *testing.T) *testSessions {
	w := &testSessions{ring: keystoretest.New(), dir: filepath.Join(t.TempDir(), "state"), now: noon, waiters: make(chan string, 1000)}
	now := func() time.Time { return w.now }
	locks := &Locks{Dir: disk.NewFolder(filepath.Join(w.dir, "locks")), Program: "aws-vault test", Now: now}
	locks.onWait = func(path string) { w.waiters <- path }
	w.Sessions = &Sessions{
		Ring: w.ring, Locks: locks, Now: now,
		Index: &Index{Dir: disk.NewFolder(w.dir), Locks: locks},
	}
	return w
}

// withoutFolder removes the state folder. The test fails if anything is written to the disk.
func (w *testSessions) withoutFolder(t *testing.T) *testSessions {
	w.Locks.Dir, w.Index.Dir = nil, nil
	t.Chdir(t.TempDir())
	t.Cleanup(func() {
		for _, dir := range []string{w.dir, "."} {
			if entries, _ := os.ReadDir(dir); len(entries) > 0 {
				t.Errorf("%v was written to disk", entries)
			}
		}
	})
	return w
}

func temporary(expires time.Time) aws.Credentials {
	return aws.Credentials{
		AccessKeyID: testKeyID, SecretAccessKey: testSecret, SessionToken: testToken,
		CanExpire: true, Expires: expires, Source: "aws-vault",
	}
}

// session returns a session that was created at noon and has this lifetime.
func session(life time.Duration) Session {
	return Session{Credentials: temporary(noon.Add(life)), Created: noon, Profile: "prod", Kind: "assume role", Root: "hub"}
}

func (w *testSessions) put(t *testing.T, name string, s Session) {
	t.Helper()
	data, err := encodeSession(name, s)
	if err != nil {
		t.Fatal(err)
	}
	w.ring.Items[name] = keystore.Item{Name: name, Data: data}
}

// lasting returns a Create function that creates sessions with this lifetime. Each call adds 1 to the counter.
func (w *testSessions) lasting(life time.Duration, count *int) func(context.Context) (Created, error) {
	return func(context.Context) (Created, error) {
		*count++
		return Created{Credentials: temporary(w.now.Add(life))}, nil
	}
}

func failing(err error) func(context.Context) (Created, error) {
	return func(context.Context) (Created, error) { return Created{}, err }
}

var (
	errBroken    = errors.New("it broke")
	errCancelled = errors.New("cancelled")
)

func isCancelled(err error) bool { return errors.Is(err, errCancelled) }
