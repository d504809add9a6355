// Package store stores keys, sessions and tokens, and makes one process create what several ask
// for. How a thing is made is the caller's business; how the bytes are kept is package keystore's.
package store

import (
	"context"
	"errors"
	"fmt"

	"aws-vault/vault/keystore"
)

// A Ring is the part of a keystore that this package uses: named items.
// Item and Remove return [keystore.ErrNotFound] where there is none.
type Ring interface {
	Item(ctx context.Context, name string) (keystore.Item, error)
	Put(ctx context.Context, it keystore.Item) error
	Remove(ctx context.Context, name string) error
	Names(ctx context.Context) ([]string, error)
}

// A StampedRing is a Ring that tells an item's writings apart without opening it.
type StampedRing interface {
	Ring
	Stamp(ctx context.Context, name string) (string, error) // "" where the keystore cannot tell
}

// A KeyRing is a Ring of keys.
type KeyRing interface {
	StampedRing
	Check(ctx context.Context) error
}

// DamagedError is returned for an item that is there and is not what it should be.
// It is left as it is.
type DamagedError struct {
	Name string // byName the item: a key's own, or a session's digest
	Why  string // what was found, and what was wanted

	isOther bool // it is whole, and something else
}

func (e *DamagedError) Error() string { return fmt.Sprintf("damaged item %q: %s", e.Name, e.Why) }

// maxItem is the most bytes an item may have; what AWS gives is a tenth of it.
const maxItem = 64 << 10

// readItem returns what an item holds, and nothing where there is none. A damaged item is a
// warning, and as good as none; the error is that of a keystore that stays shut.
func readItem(ctx context.Context, ring Ring, name string) ([]byte, []error, error) {
	it, err := ring.Item(ctx, name)
	var garbled *keystore.DamagedError
	switch {
	case errors.Is(err, keystore.ErrNotFound):
		return nil, nil, nil
	case errors.As(err, &garbled):
		return nil, []error{err}, nil
	case err != nil:
		return nil, nil, err
	}
	return append([]byte{}, it.Data...), nil, nil // an empty item is one, too
}
