package transfer

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/vault/disk"
	"aws-vault/vault/keystore"
	"aws-vault/vault/store"
)

var errStopped = errors.New("the process was killed")

// A callBudget is the number of calls that a test's killableRings still accept. After these calls, the process
// counts as killed. A negative number means that there is no limit.
type callBudget struct{ left int }

func (p *callBudget) spend() error {
	if p.left == 0 {
		return errStopped
	}
	p.left--
	return nil
}

// A killableRing is a keystore in memory. A test can simulate that the process is killed before or after any
// change.
type killableRing struct {
	items  map[string]keystore.Item
	budget *callBudget
	alter  func(keystore.Item) keystore.Item // changes an item before Put stores it; nil for no change
	onRead func(name string)                 // is called at each read
}

func newKillableRing() *killableRing {
	return &killableRing{items: map[string]keystore.Item{}, budget: &callBudget{-1}}
}

func (r *killableRing) Item(_ context.Context, name string) (keystore.Item, error) {
	if err := r.budget.spend(); err != nil {
		return keystore.Item{}, err
	}
	it, ok := r.items[name]
	if !ok {
		return it, keystore.ErrNotFound
	}
	if r.onRead != nil {
		r.onRead(name)
	}
	return it, nil
}

func (r *killableRing) Put(_ context.Context, it keystore.Item) error {
	if err := r.budget.spend(); err != nil {
		return err
	}
	if r.alter != nil {
		it = r.alter(it)
	}
	r.items[it.Name] = it
	return r.budget.spend()
}

func (r *killableRing) Remove(_ context.Context, name string) error {
	if err := r.budget.spend(); err != nil {
		return err
	}
	delete(r.items, name)
	return r.budget.spend()
}

func (r *killableRing) Names(context.Context) ([]string, error) {
	return slices.Sorted(maps.Keys(r.items)), r.budget.spend()
}

func (r *killableRing) Stamp(_ context.Context, name string) (string, error) {
	if _, ok := r.items[name]; !ok {
		return "", keystore.ErrNotFound
	}
	return "", nil
}

func (r *killableRing) Check(context.Context) error { return nil }

// keysIn returns the keys in a ring.
func keysIn(t *testing.T, r *killableRing) *store.Keys {
	return &store.Keys{Ring: r, Dir: disk.NewFolder(t.TempDir())}
}

// key returns the n-th test key.
func key(n byte) aws.Credentials {
	return aws.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPL" + string('A'+n), SecretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
}

func put(t *testing.T, k *store.Keys, name string, c aws.Credentials) {
	t.Helper()
	if err := k.Put(t.Context(), name, c); err != nil {
		t.Fatal(err)
	}
}

// holds reports whether the ring has the key under that name.
func holds(t *testing.T, k *store.Keys, name string, want aws.Credentials) bool {
	t.Helper()
	got, err := k.Key(t.Context(), name)
	if err != nil && !errors.Is(err, store.ErrNoKey) {
		t.Fatal(err)
	}
	return err == nil && store.SameKey(got, want)
}
