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

// Keys are the long-lived access keys, each under its profile's name, in items that
// aws-vault 7 reads and writes too.
type Keys struct {
	Ring KeyRing
	Dir  *disk.Folder // where each key's generation is noted; nil where no session is cached that began with a key

	// NeedsTouch reports whether the key of that name is to open with a touch only, or why it cannot
	// be kept so; nil for none.
	NeedsTouch func(name string) (bool, error)
}

func (k *Keys) needsTouch(name string) (bool, error) {
	if k.NeedsTouch == nil {
		return false, nil
	}
	return k.NeedsTouch(name)
}

// ErrNoKey is returned for a name under which no key is stored.
var ErrNoKey = errors.New("no key is stored under that name")

// Names returns the names under which keys are stored, sorted. Sessions and tokens that
// aws-vault 7 left beside them are not keys; nothing here writes or deletes them.
func (k *Keys) Names(ctx context.Context) ([]string, error) {
	names, err := k.Ring.Names(ctx)
	if err != nil {
		return nil, err
	}
	names = slices.DeleteFunc(slices.Clone(names), isLegacy)
	slices.Sort(names)
	return slices.Compact(names), nil
}

// Key returns the key stored under name, or [ErrNoKey]. A key that is to open with a touch, and
// does not yet, is stored again so that it does. An item that is no key is a
// [*DamagedError]; one that cannot be opened is the keystore's error.
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
	// It was stored before its profile asked for a touch.
	if touch, err := k.needsTouch(name); err != nil || !touch {
		return c, nil // a keystore that cannot keep it so is refused where it is used, not where it is left
	}
	return c, k.Put(ctx, name, c)
}

// keyItem is how a key lies in the keystore: the SDK's own struct as aws-vault 7 encodes
// it, written down so that a later SDK changes nothing that is stored.
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
		return damaged(fmt.Sprintf("%d bytes, want at most %d", len(data), maxItem))
	}
	var c keyItem
	if json.Unmarshal(data, &c) != nil { // the decoder's own error may quote the secret
		return damaged("not the JSON of an access key")
	}
	if c.AccessKeyID == "" || c.SecretAccessKey == "" {
		return damaged("no access key id or no secret in it")
	}
	return aws.Credentials(c), nil
}

// Put stores a key under name, in place of any that was there. It returns a [*NameError]
// for a name that cannot be a key's, and a [*SharedNameError] for one whose item is another key's.
func (k *Keys) Put(ctx context.Context, name string, c aws.Credentials) error {
	if err := checkKeyName(name); err != nil {
		return err
	}
	data, err := encodeKey(c)
	if err != nil {
		return fmt.Errorf("key %q: %w", name, err)
	}
	if _, err := decodeKey(name, data); err != nil {
		return err // what could not be read back is not written
	}
	if err := k.checkShared(ctx, name); err != nil {
		return err
	}
	touch, err := k.needsTouch(name)
	if err != nil {
		return err
	}
	// Once before, so that a folder that cannot be written is found while nothing has changed.
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

// ErrReadBack is returned where a keystore returns something else than what was written to it.
var ErrReadBack = errors.New("what was read back is not what was written")

// PutVerified stores a key under name, reads it back and compares. Besides the errors of Put
// and Key it returns [ErrReadBack].
func (k *Keys) PutVerified(ctx context.Context, name string, key aws.Credentials) error {
	if err := k.Put(ctx, name, key); err != nil {
		return err
	}
	again, err := k.Key(ctx, name)
	if err != nil {
		return fmt.Errorf("reading it back: %w", err)
	}
	if !SameKey(again, key) {
		return ErrReadBack
	}
	return nil
}

// SameKey compares all that is stored of a key.
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

// Fingerprint returns a text that changes whenever the key under name is written, by
// us or by another program, and whether there is one. It opens the item only where the
// keystore has nothing else to tell its writings apart by.
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

// renewGeneration notes a new generation of the key. A keystore's own stamp may count in seconds,
// and two writes may fall into one.
func (k *Keys) renewGeneration(name string) error {
	if k.Dir == nil {
		return nil
	}
	return k.Dir.Write(generationFile(name), []byte(rand.Text()))
}

// generationFile is the file that a key's generation is noted in.
func generationFile(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:16])
}

// KeyCheck identifies a key without telling it: a session that was begun with another
// key has another.
func KeyCheck(c aws.Credentials) string {
	sum := sha256.Sum256([]byte("aws-vault key check 1\x00" + c.AccessKeyID + "\x00" + c.SecretAccessKey))
	return hex.EncodeToString(sum[:16])
}
