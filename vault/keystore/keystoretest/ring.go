// Package keystoretest provides a keystore in memory for tests.
package keystoretest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"aws-vault/vault/keystore"
)

// A Ring is a [keystore.Ring] in memory. A test may read and change the fields while no method runs. The maps
// Calls and Errors use the method names of keystore.Ring as keys.
type Ring struct {
	Items         map[string]keystore.Item
	Calls         map[string]int    // number of calls per method
	Writes        map[string]int    // number of writes per item name
	StampSuffixes map[string]string // added to the stamp, per item name; a change simulates a write by another program

	Err       error            // the error that every method without an entry in Errors returns; nil for no error
	Errors    map[string]error // the error that one method returns, per method name
	NoStamps  bool             // whether Stamp returns "", as in a keystore that cannot detect writes
	BeforeAny func(method string)

	// Put calls BeforePut, if BeforePut is not nil. BeforePut returns the item that Put stores instead of its
	// argument, or an error, which Put returns.
	BeforePut func(context.Context, keystore.Item) (keystore.Item, error)

	mu sync.Mutex
}

// New returns an empty ring.
func New() *Ring {
	return &Ring{
		Items: map[string]keystore.Item{}, Calls: map[string]int{}, Writes: map[string]int{},
		StampSuffixes: map[string]string{}, Errors: map[string]error{},
	}
}

// begin counts a call to the method and returns the error that the method must return. It calls BeforeAny without
// holding r.mu.
func (r *Ring) begin(method string) error {
	r.mu.Lock()
	r.Calls[method]++
	err, before := r.Errors[method], r.BeforeAny
	if err == nil {
		err = r.Err
	}
	r.mu.Unlock()
	if before != nil {
		before(method)
	}
	return err
}

func (r *Ring) Item(_ context.Context, name string) (keystore.Item, error) {
	if err := r.begin("Item"); err != nil {
		return keystore.Item{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	it, ok := r.Items[name]
	if !ok {
		return it, keystore.ErrNotFound
	}
	return it, nil
}

func (r *Ring) Put(ctx context.Context, it keystore.Item) error {
	if err := r.begin("Put"); err != nil {
		return err
	}
	if r.BeforePut != nil {
		var err error
		if it, err = r.BeforePut(ctx, it); err != nil {
			return err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Items[it.Name] = it
	r.Writes[it.Name]++
	return nil
}

func (r *Ring) Remove(_ context.Context, name string) error {
	if err := r.begin("Remove"); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.Items[name]; !ok {
		return keystore.ErrNotFound
	}
	delete(r.Items, name)
	return nil
}

func (r *Ring) Names(context.Context) ([]string, error) {
	if err := r.begin("Names"); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Sorted(maps.Keys(r.Items)), nil
}

func (r *Ring) Stamp(_ context.Context, name string) (string, error) {
	if err := r.begin("Stamp"); err != nil {
		return "", err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.Items[name]; !ok {
		return "", keystore.ErrNotFound
	}
	if r.NoStamps {
		return "", nil
	}
	return fmt.Sprintf("written %d times %s", r.Writes[name], r.StampSuffixes[name]), nil
}

func (r *Ring) Check(context.Context) error { return r.begin("Check") }
