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
)

// Keys stores long-lived access keys, each under a name that is usually a profile name. aws-vault 7 can read
// and write the same items.
type Keys struct {
	Ring KeyRing
	Dir  *disk.Folder // holds a generation number per key; nil if no cached session depends on a key

	// NeedsTouch reports whether the key must be stored so that each use requires a touch of a security key.
	// It returns an error if the keystore does not support that. Nil means that no key requires a touch.
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

// Key returns the key stored under name, or [ErrNoKey]. If the key must require a touch but does not yet, Key
// stores it again so that it does. It returns a [*DamagedError] if the item is not a key, and the keystore's
// error if the item cannot be opened.
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
	// The key was stored before its profile required a touch.
	if touch, err := k.needsTouch(name); err != nil || !touch {
		return c, nil // the caller reports a keystore without touch support when it uses the key
	}
	return c, k.Put(ctx, name, c)
}

// keyItem is the JSON form of a key in the keystore, as aws-vault 7 writes it. It repeats the fields of the
// SDK's struct, so that a later SDK does not change the stored form.
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
	if json.Unmarshal(data, &c) != nil { // the decoder's error may quote the secret
		return damaged("not valid JSON for an access key")
	}
	if c.AccessKeyID == "" || c.SecretAccessKey == "" {
		return damaged("the access key ID or the secret access key is missing")
	}
	return aws.Credentials(c), nil
}

// Put stores a key under name and replaces an earlier one. It returns a [*NameError] if the name is reserved,
// and a [*SharedNameError] if the keystore does not distinguish it from another key's name.
func (k *Keys) Put(ctx context.Context, name string, c aws.Credentials) error {
	if err := checkKeyName(name); err != nil {
		return err
	}
	data, err := encodeKey(c)
	if err != nil {
		return fmt.Errorf("key %q: %w", name, err)
	}
	if _, err := decodeKey(name, data); err != nil {
		return err // never write what cannot be read back
	}
	if err := k.checkShared(ctx, name); err != nil {
		return err
	}
	touch, err := k.needsTouch(name)
	if err != nil {
		return err
	}
	// The generation changes before and after the write. The first change fails early if the folder is not
	// writable.
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

// ErrReadBack reports that the keystore returned a different key than the one written.
var ErrReadBack = errors.New("the key read back differs from the key written")

// PutVerified stores a key under name, reads it back and compares the two. It returns the errors of Put and
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

// Remove deletes the key stored under name, or returns [ErrNoKey].
func (k *Keys) Remove(ctx context.Context, name string) error {
	err := k.Ring.Remove(ctx, name)
	if errors.Is(err, keystore.ErrNotFound) {
		return ErrNoKey
	}
	return err
}

// Fingerprint returns a text that changes whenever the key under name is written, by aws-vault or by another
// program. The second result reports whether there is a key. Fingerprint opens the item only if the keystore
// has no stamps.
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

// renewGeneration records a new generation of the key. It is needed because the stamp of a keystore may have
// a resolution of one second, so two quick writes can have the same stamp.
func (k *Keys) renewGeneration(name string) error {
	if k.Dir == nil {
		return nil
	}
	return k.Dir.Write(generationFile(name), []byte(rand.Text()))
}

// generationFile returns the name of the file that holds a key's generation.
func generationFile(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:16])
}

// KeyCheck returns a digest that identifies a key without revealing it.
func KeyCheck(c aws.Credentials) string {
	sum := sha256.Sum256([]byte("aws-vault key check 1\x00" + c.AccessKeyID + "\x00" + c.SecretAccessKey))
	return hex.EncodeToString(sum[:16])
}
