//go:build darwin || windows || library

package keystore

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/99designs/keyring"

	"aws-vault/vault/disk"
)

// libraryFake is the in-memory keyring of the keyring library, with a mutex and configurable metadata.
type libraryFake struct {
	mu       sync.Mutex
	ring     keyring.Keyring
	modified time.Time
	refuse   error
}

func (r *libraryFake) Get(name string) (keyring.Item, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refuse != nil {
		return keyring.Item{}, r.refuse
	}
	return r.ring.Get(name)
}

func (r *libraryFake) GetMetadata(name string) (keyring.Metadata, error) {
	if _, err := r.Get(name); err != nil {
		return keyring.Metadata{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.modified.IsZero() {
		return keyring.Metadata{}, keyring.ErrMetadataNotSupported
	}
	return keyring.Metadata{ModificationTime: r.modified}, nil
}

func (r *libraryFake) Set(it keyring.Item) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.modified.IsZero() {
		r.modified = r.modified.Add(time.Second)
	}
	return r.ring.Set(it)
}

func (r *libraryFake) Remove(name string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, err := r.ring.Get(name); err != nil {
		return err
	}
	return r.ring.Remove(name)
}

func (r *libraryFake) Keys() ([]string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ring.Keys()
}

func TestLibraryRing(t *testing.T) {
	for name, modified := range map[string]time.Time{"no metadata": {}, "metadata": time.Unix(1767322445, 0)} {
		t.Run(name, func(t *testing.T) {
			r := libraryRing{backend: "plain", ring: &libraryFake{ring: keyring.NewArrayKeyring(nil), modified: modified}}
			testRing(t, r, ringTest{noStamp: modified.IsZero(), names: []string{"a/b"}})
		})
	}
}

func TestLibraryError(t *testing.T) {
	refused := errors.New("the user said no")
	r := libraryRing{backend: "plain", ring: &libraryFake{refuse: refused}}
	_, err := r.Item(t.Context(), "prod")
	if !errors.Is(err, refused) || err.Error() != "plain: the user said no" {
		t.Errorf("Item returned %v", err)
	}
}

// TestInBackground cancels the context while a dialog of the system is open. inBackground must not wait for the
// dialog.
func TestInBackground(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	gone, open := errors.New("the user canceled"), make(chan struct{})
	defer close(open)
	_, err := inBackground(ctx, func() (string, error) {
		cancel(gone)
		<-open
		return "late", nil
	})
	if !errors.Is(err, gone) {
		t.Errorf("returned %v, want %v", err, gone)
	}
}

func TestLibraryUnavailable(t *testing.T) {
	var unavailable *UnavailableError
	_, err := openLibrary("no such kind", nil)(t.Context(), Config{State: disk.NewFolder(t.TempDir())})
	if !errors.As(err, &unavailable) {
		t.Errorf("a keystore that the library does not know returned %v", err)
	}
}
