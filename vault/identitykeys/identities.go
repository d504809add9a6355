// Package identitykeys stores the signing keys of the user's identities.
package identitykeys

import (
	"context"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"aws-vault/vault/disk"
	"aws-vault/vault/identity"
	"aws-vault/vault/keystore"
	"aws-vault/vault/store"
)

// Identities are the keys by which people say who they are. Which there are is written in
// files that hold no secret; the secret half of a key that is in software lies in the
// keystore, among what aws-vault 7 does not see.
type Identities struct {
	Dir   *disk.Folder // for the files
	Ring  store.KeyRing
	Locks *store.Locks
	Now   func() time.Time
}

// maxRecord bounds what is read of a file.
const maxRecord = 64 << 10

// ErrNoIdentity is returned for an identity that has no key on this machine.
var ErrNoIdentity = errors.New("it has no key on this machine")

// recordFile is the file of an identity. It tells nothing of the name.
func recordFile(name string) string {
	sum := sha256.Sum256([]byte("aws-vault identity\x00" + name))
	return hex.EncodeToString(sum[:16])
}

// Record returns what is known of the keys of an identity. It fails with [ErrNoIdentity] if
// nothing is, and says where for a file that cannot be read.
func (i *Identities) Record(name string) (identity.Record, error) {
	r, err := i.readRecord(recordFile(name))
	if errors.Is(err, fs.ErrNotExist) {
		return identity.Record{}, ErrNoIdentity
	}
	return r, err
}

func (i *Identities) readRecord(file string) (identity.Record, error) {
	text, err := i.Dir.Read(file, maxRecord)
	if err != nil {
		return identity.Record{}, err
	}
	r, err := identity.ParseRecord(text)
	if err != nil {
		return identity.Record{}, fmt.Errorf("damaged file %s: %w", i.Dir.File(file), err)
	}
	return r, nil
}

// Signing is the key that signs now.
func (i *Identities) Signing(name string) (identity.Key, error) {
	r, err := i.Record(name)
	if err != nil {
		return identity.Key{}, err
	}
	return r.Signing(i.Now())
}

// Change replaces what is known of the keys of an identity, under a lock between processes.
// change is given what was known; it is none for a new one. The secret halves of keys that it
// leaves out are deleted, once nothing speaks of them.
func (i *Identities) Change(ctx context.Context, name string, change func(identity.Record) (identity.Record, error)) error {
	ctx, lock, err := i.Locks.Named(ctx, "identity", "the keys of identity "+name)
	if err != nil {
		return err
	}
	defer lock.Close()
	old, err := i.Record(name)
	if err != nil && !errors.Is(err, ErrNoIdentity) {
		return err
	}
	r, err := change(old)
	if err != nil {
		return err
	}
	text, err := r.Encode()
	if err != nil {
		return err
	}
	if _, err := identity.ParseRecord(text); err != nil { // what could not be read back is not written
		return err
	}
	if err := i.Dir.Write(recordFile(name), text); err != nil {
		return err
	}
	return i.forget(ctx, slices.DeleteFunc(slices.Clone(old.Keys), func(k identity.Key) bool {
		return slices.ContainsFunc(r.Keys, func(kept identity.Key) bool { return kept.ID == k.ID })
	}))
}

// forget deletes the secret halves of those keys that lie in the keystore.
func (i *Identities) forget(ctx context.Context, keys []identity.Key) error {
	for _, k := range keys {
		if k.Slot() != "" {
			continue
		}
		if err := i.Ring.Remove(ctx, secretName(k.ID)); err != nil && !errors.Is(err, keystore.ErrNotFound) {
			return fmt.Errorf("deleting key %s from the keystore: %w", k.ID, err)
		}
	}
	return nil
}

// secretItem is how the secret half of a key lies in the keystore.
type secretItem struct {
	Version int    `json:"version"`
	Type    string `json:"type"`
	Key     []byte `json:"key"` // PKCS #8
}

const secretType = "identity key"

func secretName(keyID string) string { return "identity key " + keyID }

// KeepSecret stores the secret half of a key, and reads it back.
func (i *Identities) KeepSecret(ctx context.Context, keyID string, key *ecdsa.PrivateKey) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	data, err := json.Marshal(secretItem{1, secretType, der})
	if err != nil {
		return err
	}
	err = i.Ring.Put(ctx, keystore.Item{
		Name: secretName(keyID), Label: "aws-vault identity", Description: "aws-vault identity", Data: data, Untrusted: true,
	})
	if err != nil {
		return err
	}
	again, err := i.Secret(ctx, keyID)
	if err == nil && !again.Equal(key) {
		err = store.ErrReadBack
	}
	return err
}

// Secret returns the secret half of a key.
func (i *Identities) Secret(ctx context.Context, keyID string) (*ecdsa.PrivateKey, error) {
	it, err := i.Ring.Item(ctx, secretName(keyID))
	if errors.Is(err, keystore.ErrNotFound) {
		return nil, fmt.Errorf("the keystore has no key %s", keyID)
	}
	if err != nil {
		return nil, err
	}
	damaged := fmt.Errorf("the key %s in the keystore is damaged", keyID)
	var s secretItem
	if json.Unmarshal(it.Data, &s) != nil || s.Version != 1 || s.Type != secretType { // what the parser says may quote the key
		return nil, damaged
	}
	parsed, err := x509.ParsePKCS8PrivateKey(s.Key)
	if err != nil {
		return nil, damaged
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok {
		return nil, damaged
	}
	if id, err := identity.KeyID(key.Public()); err != nil || id != keyID {
		return nil, damaged
	}
	return key, nil
}

// Remove forgets the keys of an identity, and deletes those that lie in the keystore.
func (i *Identities) Remove(ctx context.Context, name string) error {
	ctx, lock, err := i.Locks.Named(ctx, "identity", "the keys of identity "+name)
	if err != nil {
		return err
	}
	defer lock.Close()
	r, err := i.Record(name)
	if err != nil {
		return fmt.Errorf("identity %s: %w", name, err)
	}
	if err := i.forget(ctx, r.Keys); err != nil {
		return err
	}
	return i.Dir.Remove(recordFile(name))
}
