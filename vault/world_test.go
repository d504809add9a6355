package vault_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/vault"
	"aws-vault/vault/awsapi"
	"aws-vault/vault/disk"
	"aws-vault/vault/keystore"
	"aws-vault/vault/plan"
	"aws-vault/vault/profile"
	"aws-vault/vault/source"
	"aws-vault/vault/store"
	"aws-vault/vault/vaulttest"
)

// A ring is a keystore in memory that counts what is asked of it.
type ring struct {
	mu      sync.Mutex
	items   map[string]keystore.Item
	written map[string]int
	opened  int
	err     error // of every call, if set
	putErr  error // of every write, if set
	deaf    bool  // writes are taken for done and change nothing
}

func newRing() *ring { return &ring{items: map[string]keystore.Item{}, written: map[string]int{}} }

func (r *ring) Item(_ context.Context, name string) (keystore.Item, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.opened++
	it, ok := r.items[name]
	if !ok && r.err == nil {
		return it, keystore.ErrNotFound
	}
	return it, r.err
}

func (r *ring) Put(_ context.Context, it keystore.Item) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.putErr != nil {
		return r.putErr
	}
	if r.deaf {
		return nil
	}
	r.items[it.Name] = it
	r.written[it.Name]++
	return r.err
}

func (r *ring) Remove(_ context.Context, name string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.items, name)
	return r.err
}

func (r *ring) Names(context.Context) ([]string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var names []string
	for n := range r.items {
		names = append(names, n)
	}
	return names, r.err
}

func (r *ring) Stamp(_ context.Context, name string) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.items[name]; !ok && r.err == nil {
		return "", keystore.ErrNotFound
	}
	return strings.Repeat("i", r.written[name]), r.err
}

func (r *ring) Check(context.Context) error { return r.err }

// A world is a vault, the AWS it speaks to and what it asked its user.
type world struct {
	*vault.Vault
	vaulttest.World
	aws      *vaulttest.AWS
	keys     *ring
	sessions *ring
	env      map[string]string
	asked    int
	told     []string
	warned   []error
	later    time.Duration

	signInIndex string // the folder of the index of sign-ins, once there are any
}

var errNobody = errors.New("there is nobody to ask")

func newWorld(t *testing.T, config string) *world {
	t.Helper()
	fake, err := vaulttest.NewAWS()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	w := &world{aws: fake, World: fake.Example(), keys: newRing(), sessions: newRing(), env: map[string]string{"AWS_ENDPOINT_URL": fake.URL()}}
	file, err := profile.Parse("config", []byte(config))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	now := func() time.Time { return time.Now().Add(w.later) }
	getenv := func(name string) (string, bool) { v, ok := w.env[name]; return v, ok }
	locks := &store.Locks{Dir: disk.NewFolder(filepath.Join(dir, "locks")), Program: "aws-vault test", Now: now}
	open := func(path string) (io.ReadCloser, error) { return os.Open(path) }
	w.Vault = &vault.Vault{
		Config: file, Inputs: profile.Inputs{Env: getenv}, Open: open,
		Warn: func(err error) { w.warned = append(w.warned, err) },
		Keys: &store.Keys{Ring: w.keys, Dir: disk.NewFolder(filepath.Join(dir, "generations"))},
		Sessions: &store.Sessions{Ring: w.sessions, Locks: locks, Now: now,
			Index: &store.Index{Dir: disk.NewFolder(filepath.Join(dir, "index")), Locks: locks}},
		Source: &source.Deps{
			AWS: &awsapi.Client{
				Clock: &awsapi.Clock{Local: now}, Timeout: 10 * time.Second, Open: open,
				Sleep: func(context.Context, time.Duration) error { return nil },
			},
			Getenv: getenv, Open: open, Log: slog.New(slog.DiscardHandler), Codes: &store.Codes{Dir: disk.NewFolder(filepath.Join(dir, "codes")), Locks: locks},
			Sleep: func(context.Context, time.Duration) error { return nil },
			Tell:  func(m string) { w.told = append(w.told, m) },
			Ask: func(_ context.Context, q source.Question) (string, error) {
				if w.asked++; q.Serial != w.MFA.Serial() {
					return "", errNobody
				}
				return w.MFA.Code(), nil
			},
			Run: func(_ context.Context, c source.Command) ([]byte, error) { return []byte(w.env[c.Line]), nil },
		},
	}
	w.Source.AWS.Tell = w.Source.Say
	w.Source.Key, w.Source.Static = w.Keys.Key, w.StaticKey
	return w
}

// store keeps alice's key under a name.
func (w *world) store(t *testing.T, name string) {
	t.Helper()
	if err := w.Keys.Put(t.Context(), name, aws.Credentials{AccessKeyID: w.Key.ID, SecretAccessKey: w.Key.Secret}); err != nil {
		t.Fatal(err)
	}
}

// credentials makes those of a profile, for five minutes at least.
func (w *world) credentials(t *testing.T, name string, o plan.Options) (aws.Credentials, error) {
	t.Helper()
	if o.Name == "" {
		o.Name = "aws-vault-alice"
	}
	pl, err := w.Plan(t.Context(), name, o)
	if err != nil {
		return aws.Credentials{}, err
	}
	return w.Credentials(t.Context(), pl, o, 5*time.Minute)
}

// calls are what AWS was asked, without what is the same everywhere.
func (w *world) calls() []string {
	calls := slices.Clone(w.aws.Actions())
	for i, c := range calls {
		calls[i] = strings.NewReplacer(" session=aws-vault-alice", "", "arn:aws:iam::123456789012:role/", "", "arn:aws:iam::210987654321:role/", "").Replace(c)
	}
	w.aws.Reset()
	return calls
}
