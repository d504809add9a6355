// Package store stores keys, sessions and tokens. If several processes need the same session or token, it ensures
// that only one process creates it. The callers of this package create the credentials. Package keystore stores
// the bytes.
package store

import (
	"context"
	"errors"
	"fmt"

	"aws-vault/vault/keystore"
	"aws-vault/vault/printable"
)

// A Ring is the part of a keystore that this package uses. It stores items, each under a name. Item and Remove
// return [keystore.ErrNotFound] if there is no item with the name.
type Ring interface {
	Item(ctx context.Context, name string) (keystore.Item, error)
	Put(ctx context.Context, it keystore.Item) error
	Remove(ctx context.Context, name string) error
	Names(ctx context.Context) ([]string, error)
}

// A StampedRing is a Ring with stamps. The stamp of an item changes when the item is written, and can be read
// without opening the item. In some keystores, a second write within the same second does not change the stamp.
type StampedRing interface {
	Ring
	Stamp(ctx context.Context, name string) (string, error) // "" if the keystore has no stamps
}

// A KeyRing is a Ring that holds access keys. Its method Check shows the prompts that Put needs, and writes
// nothing.
type KeyRing interface {
	StampedRing
	Check(ctx context.Context) error
}

// DamagedError reports an item that exists but cannot be decoded. The item stays in the keystore.
type DamagedError struct {
	Name string // name of the item: the name of a key, or the digest of a session or token
	Why  string // what was found, and what was expected

	isOther bool // whether the item is valid, but does not have the expected type
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("damaged item %s: %s", printable.Quote(e.Name), e.Why)
}

// maxItem is the maximum size of an item in bytes. It is about ten times the size of what AWS returns.
const maxItem = 64 << 10

// readItem returns the data of an item, or nil if there is no such item. If the item is damaged, it returns nil
// and a warning. It returns an error if the keystore cannot be opened.
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
	return append([]byte{}, it.Data...), nil, nil // the result must not be nil, even if the item is empty
}
