package store

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/vault/disk"
	"aws-vault/vault/keystore"
	"aws-vault/vault/printable"
)

// Keys stores long-lived access keys, each under a name that is usually a profile name. aws-vault 7 can read
// and write the same items.
type Keys struct {
	Ring KeyRing
	Dir  *disk.Folder // folder of the files that renewGeneration writes; nil if no session depends on a key

	// NeedsTouch reports whether the key must be stored so that each use requires a touch of a security key.
	// NeedsTouch returns an error if the keystore does not support touch. If NeedsTouch is nil, no key requires a
	// touch.
	NeedsTouch func(name string) (bool, error)
}

func (k *Keys) needsTouch(name string) (bool, error) {
	if k.NeedsTouch == nil {
		return false, nil
	}
	return k.NeedsTouch(name)
}

// ErrNoKey reports that no key is stored under the name.
var ErrNoKey = errors.New("no key is stored under that name")

// Names returns the names of all stored keys, sorted. It leaves out the sessions and tokens of aws-vault 7,
// which this package neither writes nor deletes.
func (k *Keys) Names(ctx context.Context) ([]string, error) {
	names, err := k.Ring.Names(ctx)
	if err != nil {
		return nil, err
	}
	names = slices.DeleteFunc(slices.Clone(names), isLegacy)
	slices.Sort(names)
	return slices.Compact(names), nil
}

// Key returns the key stored under this name, or [ErrNoKey]. If the key must require a touch, but was stored
// without that requirement, Key stores it again with the requirement. Key returns a [*DamagedError] if the item is
// not a key, and the keystore's error if the item cannot be opened.
func (k *Keys) Key(ctx context.Context, name string) (aws.Credentials, error) {
	it, err := k.Ring.Item(ctx, name)
	if errors.Is(err, keystore.ErrNotFound) {
		return aws.Credentials{}, ErrNoKey
	}
	if err != nil {
		return aws.Credentials{}, err
	}
	c, err := decodeKey(name, it.Data)
	if err != nil || it.Touch {
		return c, err
	}
	// The stored key does not require a touch, but its profile may have been changed to require a touch.
	if touch, err := k.needsTouch(name); err != nil || !touch {
		return c, nil // ignore err: a keystore without touch support can still return the key
	}
	return c, k.Put(ctx, name, c)
}

// keyItem is the JSON form of a key in the keystore, as aws-vault 7 writes it. It has the same fields as the SDK's
// type aws.Credentials, but is a separate type, so that a later version of the SDK does not change the stored
// form.
type keyItem struct {
	AccessKeyID     string
	SecretAccessKey string
	SessionToken    string
	Source          string
	CanExpire       bool
	Expires         time.Time
	AccountID       string
}

func encodeKey(c aws.Credentials) ([]byte, error) { return json.Marshal(keyItem(c)) }

func decodeKey(name string, data []byte) (aws.Credentials, error) {
	damaged := func(why string) (aws.Credentials, error) {
		return aws.Credentials{}, &DamagedError{Name: name, Why: why}
	}
	if len(data) > maxItem {
		return damaged(fmt.Sprintf("%d bytes, expected at most %d", len(data), maxItem))
	}
	var c keyItem
	if json.Unmarshal(data, &c) != nil { // do not return the decoder's error, which may quote the secret
		return damaged("not valid JSON for an access key")
	}
	if c.AccessKeyID == "" || c.SecretAccessKey == "" {
		return damaged("the access key ID or the secret access key is missing")
	}
	return aws.Credentials(c), nil
}

// Put stores a key under this name and replaces an earlier key. It returns a [*NameError] if the name is reserved,
// and a [*SharedNameError] if the keystore does not distinguish the name from the name of another key.
func (k *Keys) Put(ctx context.Context, name string, c aws.Credentials) error {
	if err := checkKeyName(name); err != nil {
		return err
	}
	data, err := encodeKey(c)
	if err != nil {
		return fmt.Errorf("key %s: %w", printable.Quote(name), err)
	}
	if _, err := decodeKey(name, data); err != nil {
		return err // do not store a key that could not be read back
	}
	if err := k.checkShared(ctx, name); err != nil {
		return err
	}
	touch, err := k.needsTouch(name)
	if err != nil {
		return err
	}
	// The generation changes both before and after the key is written. If the folder is not writable, the first
	// change fails before the key is written.
	if err := k.renewGeneration(name); err != nil {
		return err
	}
	err = k.Ring.Put(ctx, keystore.Item{
		Name: name, Label: fmt.Sprintf("aws-vault (%s)", name), Description: "aws-vault credentials for " + name,
		Data: data, Untrusted: true, Touch: touch,
	})
	if err != nil {
		return err
	}
	return k.renewGeneration(name)
}

// ErrReadBack reports that the keystore returned a different key than the key that was stored.
var ErrReadBack = errors.New("the key read back differs from the key that was written")

// PutVerified stores a key under this name, reads it back and compares the two. It returns the errors of Put and
// Key, and [ErrReadBack] if the keys differ.
func (k *Keys) PutVerified(ctx context.Context, name string, key aws.Credentials) error {
	if err := k.Put(ctx, name, key); err != nil {
		return err
	}
	readBack, err := k.Key(ctx, name)
	if err != nil {
		return fmt.Errorf("reading the stored key back: %w", err)
	}
	if !SameKey(readBack, key) {
		return ErrReadBack
	}
	return nil
}

// SameKey reports whether two keys have the same ID, secret and session token.
func SameKey(a, b aws.Credentials) bool {
	return a.AccessKeyID == b.AccessKeyID && a.SecretAccessKey == b.SecretAccessKey && a.SessionToken == b.SessionToken
}

// Remove deletes the key stored under this name, or returns [ErrNoKey].
func (k *Keys) Remove(ctx context.Context, name string) error {
	err := k.Ring.Remove(ctx, name)
	if errors.Is(err, keystore.ErrNotFound) {
		return ErrNoKey
	}
	return err
}

// Fingerprint returns a text that changes whenever the key with this name is written, by aws-vault or by another
// program. The second result reports whether there is such a key. Fingerprint opens the keystore item only if the
// keystore has no stamps.
func (k *Keys) Fingerprint(ctx context.Context, name string) (string, bool, error) {
	stamp, err := k.Ring.Stamp(ctx, name)
	if errors.Is(err, keystore.ErrNotFound) {
		return "", false, nil
	}
	if err != nil {
		return "", false, err
	}
	if stamp == "" {
		c, err := k.Key(ctx, name)
		if errors.Is(err, ErrNoKey) {
			return "", false, nil
		}
		if err != nil {
			return "", false, err
		}
		stamp = KeyCheck(c)
	}
	generation, err := k.Dir.Read(generationFile(name), 64)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", false, err
	}
	return stamp + " " + string(generation), true, nil
}

// renewGeneration stores a new random text, which is called the generation of the key. The key's fingerprint
// consists of the keystore's stamp and the generation. The stamp alone is not enough: if stamps are times in whole
// seconds, two writes in quick succession can have the same stamp.
func (k *Keys) renewGeneration(name string) error {
	if k.Dir == nil {
		return nil
	}
	return k.Dir.Write(generationFile(name), []byte(rand.Text()))
}

// generationFile returns the name of the file that contains the generation of the key.
func generationFile(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:16])
}

// KeyCheck returns a digest that identifies a key without revealing it.
func KeyCheck(c aws.Credentials) string {
	sum := sha256.Sum256([]byte("aws-vault key check 1\x00" + c.AccessKeyID + "\x00" + c.SecretAccessKey))
	return hex.EncodeToString(sum[:16])
}
