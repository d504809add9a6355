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

// InSoftware are the IDs of all identities' keys that lie in a keystore. It fails for a file
// that cannot be read: what it names would stay behind.
func (i *Identities) InSoftware() ([]string, error) {
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
			if k.Place == identity.Software {
				ids = append(ids, k.ID)
			}
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

// Held are those of the keys that lie in this keystore.
func (i *Identities) Held(ctx context.Context, ids []string) ([]string, error) {
	var held []string
	for _, id := range ids {
		_, err := i.Ring.Item(ctx, secretName(id))
		if errors.Is(err, keystore.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		held = append(held, id)
	}
	return held, nil
}

// MoveSecret copies the secret half of a key to another keystore, reads it back, and then
// deletes it here if it is to. It reports whether it was there already. Its name says which
// key it is, so that there is none to replace.
func (i *Identities) MoveSecret(ctx context.Context, to *Identities, keyID string, remove bool) (there bool, err error) {
	key, err := i.Secret(ctx, keyID)
	if err != nil {
		return false, err
	}
	have, err := to.Secret(ctx, keyID)
	if there = err == nil && have.Equal(key); !there {
		if err := to.KeepSecret(ctx, keyID, key); err != nil {
			return false, err
		}
	}
	if remove {
		err = i.Ring.Remove(ctx, secretName(keyID))
		return there, err
	}
	return there, nil
}
