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

// Identities stores the keys of the user's identities. Records of the public keys are in files, which contain no
// secrets. The private key of a software key is in the keystore, in an item that aws-vault 7 does not list.
type Identities struct {
	Dir   *disk.Folder // directory of the record files
	Ring  store.KeyRing
	Locks *store.Locks
	Now   func() time.Time
}

// maxRecord is the largest size of a record file, in bytes.
const maxRecord = 64 << 10

// ErrNoIdentity reports that an identity has no key on this computer.
var ErrNoIdentity = errors.New("the identity has no key on this computer")

// recordFile returns the name of an identity's record file, which does not reveal the identity's name.
func recordFile(name string) string {
	sum := sha256.Sum256([]byte("aws-vault identity\x00" + name))
	return hex.EncodeToString(sum[:16])
}

// Record returns the record of an identity. It fails with [ErrNoIdentity] if there is no record. If the record's file
// cannot be read, the error contains the file's path.
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

// SigningKey returns the key that signs at present.
func (i *Identities) SigningKey(name string) (identity.Key, error) {
	r, err := i.Record(name)
	if err != nil {
		return identity.Key{}, err
	}
	return r.SigningKey(i.Now())
}

// Change replaces the record of an identity, while it holds a lock against other processes. It calls the function
// change with the current record, which is empty for a new identity. After it has written the new record, Change
// deletes the private keys of the keys that are no longer in the record.
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
	if _, err := identity.ParseRecord(text); err != nil { // never write a record that cannot be read
		return err
	}
	if err := i.Dir.Write(recordFile(name), text); err != nil {
		return err
	}
	return i.deleteSecrets(ctx, slices.DeleteFunc(slices.Clone(old.Keys), func(k identity.Key) bool {
		return slices.ContainsFunc(r.Keys, func(kept identity.Key) bool { return kept.ID == k.ID })
	}))
}

// deleteSecrets deletes the private keys of the given keys from the keystore. It skips keys that are on a security key.
func (i *Identities) deleteSecrets(ctx context.Context, keys []identity.Key) error {
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

// secretItem is the format of a private key in the keystore.
type secretItem struct {
	Version int    `json:"version"`
	Type    string `json:"type"`
	Key     []byte `json:"key"` // private key in PKCS #8
}

const secretType = "identity key"

func secretName(keyID string) string { return "identity key " + keyID }

// StoreSecret stores a private key, and reads it back to check it.
func (i *Identities) StoreSecret(ctx context.Context, keyID string, key *ecdsa.PrivateKey) error {
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
	stored, err := i.Secret(ctx, keyID)
	if err == nil && !stored.Equal(key) {
		err = store.ErrReadBack
	}
	return err
}

// Secret returns a private key.
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
	// The decoder's error is not returned, because it may quote the key.
	if json.Unmarshal(it.Data, &s) != nil || s.Version != 1 || s.Type != secretType {
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

// Remove deletes an identity's record, and its private keys from the keystore.
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
	if err := i.deleteSecrets(ctx, r.Keys); err != nil {
		return err
	}
	return i.Dir.Remove(recordFile(name))
}
