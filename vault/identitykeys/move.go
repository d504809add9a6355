package identitykeys

import (
	"context"
	"errors"
	"io/fs"
	"slices"

	"aws-vault/vault/disk"
	"aws-vault/vault/identity"
	"aws-vault/vault/keystore"
)

// SoftwareKeyIDs returns the IDs of the keys of all identities, without keys on a security key. It fails if a record
// file cannot be read: otherwise a move to another keystore would not move the keys in that file.
func (i *Identities) SoftwareKeyIDs() ([]string, error) {
	entries, err := i.Dir.Entries()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, e := range entries {
		if disk.IsTemp(e.Name()) {
			continue
		}
		r, err := i.readRecord(e.Name())
		if err != nil {
			return nil, err
		}
		for _, k := range r.Keys {
			if k.Location == identity.Software {
				ids = append(ids, k.ID)
			}
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

// StoredKeyIDs returns those of the given key IDs whose private keys are in this keystore.
func (i *Identities) StoredKeyIDs(ctx context.Context, ids []string) ([]string, error) {
	var stored []string
	for _, id := range ids {
		_, err := i.Ring.Item(ctx, secretName(id))
		if errors.Is(err, keystore.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		stored = append(stored, id)
	}
	return stored, nil
}

// MoveSecret copies a private key to another keystore, and reads it back from there. If remove is true, MoveSecret
// then deletes the key from this keystore. The result existed reports whether the other keystore already had the key.
// The name of an item contains the key ID, so the copy cannot replace another key.
func (i *Identities) MoveSecret(ctx context.Context, to *Identities, keyID string, remove bool) (existed bool, err error) {
	key, err := i.Secret(ctx, keyID)
	if err != nil {
		return false, err
	}
	existing, err := to.Secret(ctx, keyID)
	if existed = err == nil && existing.Equal(key); !existed {
		if err := to.StoreSecret(ctx, keyID, key); err != nil {
			return false, err
		}
	}
	if remove {
		err = i.Ring.Remove(ctx, secretName(keyID))
		return existed, err
	}
	return existed, nil
}
