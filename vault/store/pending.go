package store

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"time"

	"aws-vault/vault/disk"
	"aws-vault/vault/keystore"
	"aws-vault/vault/printable"
)

// A Pending ring stores items in local files until they can be written to the keystore. It is for keystores
// that are written through another program or service: pass, the Secret Service and keychains. A write to such a
// keystore can fail or hang at a moment when this process has the only copy of a secret. The files are encrypted
// with a key that is stored in the keystore, so only programs that can open the keystore can read the files.
type Pending struct {
	Ring  StampedRing // the keystore
	Dir   *disk.Folder
	Index *Index
	Now   func() time.Time

	mu  sync.Mutex
	key cipher.AEAD // the encryption key; nil until it is read
}

// pendingKey is the name of the keystore item that contains the encryption key. The name has the form of a digest,
// like the names of sessions and tokens.
const pendingKey = "70656e64696e6720617773207661756c" // spells "pending aws vaul"

// pendingVersion is the first byte of each file. Files with another first byte are ignored.
const pendingVersion = 1

// keyEntryLifetime is how long the index entry of the encryption key is valid.
const keyEntryLifetime = 100 * 365 * 24 * time.Hour

// Prepare must be called before Save. It does everything that can fail or prompt: it reads the encryption key
// from the keystore, or creates a key, and checks that the folder is writable.
func (p *Pending) Prepare(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.key == nil {
		key, err := p.readKey(ctx)
		if errors.Is(err, keystore.ErrNotFound) {
			key, err = p.createKey(ctx)
		}
		if err != nil {
			return err
		}
		p.key = key
	}
	test := disk.TempName()
	if err := p.Dir.Write(test, []byte{pendingVersion}); err != nil {
		return err
	}
	return p.Dir.Remove(test)
}

// readKey reads the encryption key. It returns [keystore.ErrNotFound] if there is no key or the key is damaged.
func (p *Pending) readKey(ctx context.Context) (cipher.AEAD, error) {
	it, err := p.Ring.Item(ctx, pendingKey)
	var damaged *keystore.DamagedError
	if errors.As(err, &damaged) {
		return nil, keystore.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	var stored pendingKeyItem
	if json.Unmarshal(it.Data, &stored) != nil || stored.Type != pendingType || len(stored.Key) != pendingKeySize {
		return nil, keystore.ErrNotFound
	}
	return newPendingCipher(stored.Key)
}

// pendingKeyItem is the JSON form of the encryption key in the keystore.
type pendingKeyItem struct {
	Version int    `json:"version"`
	Type    string `json:"type"`
	Key     []byte `json:"key"`
}

const (
	pendingType    = "key of pending items"
	pendingKeySize = 32
)

func newPendingCipher(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// createKey stores a new encryption key, unless another process has already stored a key. It returns the stored
// key.
func (p *Pending) createKey(ctx context.Context) (cipher.AEAD, error) {
	_, lock, err := p.Index.Locks.Named(ctx, "pending", "the encryption key of pending items")
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	if key, err := p.readKey(ctx); !errors.Is(err, keystore.ErrNotFound) {
		return key, err
	}
	key := make([]byte, pendingKeySize)
	rand.Read(key)
	data, err := json.Marshal(pendingKeyItem{1, pendingType, key})
	if err != nil {
		return nil, err
	}
	if err := p.Ring.Put(ctx, keystore.Item{Name: pendingKey, Label: "aws-vault key", Description: "aws-vault key", Data: data}); err != nil {
		return nil, err
	}
	now := p.Now().UTC()
	// Ignore the error: if the index has no entry, the only consequence is one more read of the item.
	p.Index.addOrWarn(ctx, []Entry{{Type: otherType, Name: pendingKey, Created: now, Expires: now.Add(keyEntryLifetime)}})
	return p.readKey(ctx)
}

// Save encrypts an item and writes it to a file. It does not use the keystore. Prepare must have succeeded
// before.
func (p *Pending) Save(it keystore.Item) error {
	p.mu.Lock()
	key := p.key
	p.mu.Unlock()
	switch {
	case key == nil:
		return errors.New("the encryption key of pending items was not loaded")
	case it.Touch:
		return errors.New("an item that requires a touch cannot be stored outside the keystore")
	case !isItemName(it.Name):
		return fmt.Errorf("item %s: expected a digest as its name", printable.Quote(it.Name))
	}
	plain, err := json.Marshal(pendingItem{it.Name, it.Label, it.Description, it.Data, it.Touch, it.Untrusted})
	if err != nil {
		return err
	}
	sealed := key.Seal([]byte{pendingVersion}, nil, plain, []byte(it.Name))
	err = p.Dir.Write(it.Name, sealed)
	var unsynced *disk.UnsyncedError
	if errors.As(err, &unsynced) {
		return nil // ignore the error, because the file was written
	}
	return err
}

// isItemName reports whether name has the form of a digest, so that it is a safe file name.
func isItemName(name string) bool {
	return len(name) == len(pendingKey) && !slices.ContainsFunc([]byte(name), func(c byte) bool { return (c < '0' || c > '9') && (c < 'a' || c > 'f') })
}

// Has reports whether there is a file for the item with this name.
func (p *Pending) Has(name string) bool {
	if !isItemName(name) {
		return false
	}
	_, err := p.Dir.Stat(name)
	return err == nil
}

// readFile returns the item in the file called name. It returns [keystore.ErrNotFound] if there is no file, or if
// the file cannot be decrypted with the encryption key. A file that was encrypted with another key belongs to a
// deleted keystore.
func (p *Pending) readFile(ctx context.Context, name string) (keystore.Item, error) {
	none := keystore.ErrNotFound
	if !isItemName(name) {
		return keystore.Item{}, none
	}
	raw, err := p.Dir.Read(name, 2*maxItem)
	if errors.Is(err, fs.ErrNotExist) {
		return keystore.Item{}, none
	}
	if err != nil {
		return keystore.Item{}, err
	}
	key, err := p.readKey(ctx)
	if err != nil {
		return keystore.Item{}, err
	}
	if len(raw) == 0 || raw[0] != pendingVersion {
		return keystore.Item{}, none
	}
	var it pendingItem
	plain, err := key.Open(nil, nil, raw[1:], []byte(name))
	if err != nil || json.Unmarshal(plain, &it) != nil || it.Name != name {
		return keystore.Item{}, none
	}
	return keystore.Item{
		Name: it.Name, Label: it.Label, Description: it.Description, Data: it.Data, Touch: it.Touch, Untrusted: it.Untrusted,
	}, nil
}

// pendingItem is the JSON form of an item in a file. It is separate from [keystore.Item], so that renaming a field
// of that type does not change the files.
type pendingItem struct {
	Name        string
	Label       string
	Description string
	Data        []byte
	Touch       bool
	Untrusted   bool
}

// Flush moves an item from its file to the keystore. It does nothing if the item has no file.
func (p *Pending) Flush(ctx context.Context, name string) error {
	if !p.Has(name) {
		return nil
	}
	it, err := p.readFile(ctx, name)
	if err != nil && !errors.Is(err, keystore.ErrNotFound) {
		return err
	}
	if err == nil {
		if err := p.Ring.Put(ctx, it); err != nil {
			return err
		}
	}
	return p.removeFile(name)
}

func (p *Pending) removeFile(name string) error {
	if !isItemName(name) {
		return nil
	}
	if err := p.Dir.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Item returns the item from its file, or from the keystore if the item has no file.
func (p *Pending) Item(ctx context.Context, name string) (keystore.Item, error) {
	if it, err := p.readFile(ctx, name); !errors.Is(err, keystore.ErrNotFound) {
		return it, err
	}
	return p.Ring.Item(ctx, name)
}

// Put stores an item in the keystore and removes the item's file, which contains an older version.
func (p *Pending) Put(ctx context.Context, it keystore.Item) error {
	if err := p.Ring.Put(ctx, it); err != nil {
		return err
	}
	return p.removeFile(it.Name)
}

// Stamp returns a text that changes whenever the item is written to its file or to the keystore.
func (p *Pending) Stamp(ctx context.Context, name string) (string, error) {
	if isItemName(name) {
		if raw, err := p.Dir.Read(name, 2*maxItem); err == nil {
			sum := sha256.Sum256(raw)
			return "pending " + hex.EncodeToString(sum[:8]), nil
		}
	}
	return p.Ring.Stamp(ctx, name)
}

// Remove removes an item's file, and the item from the keystore.
func (p *Pending) Remove(ctx context.Context, name string) error {
	held := p.Has(name)
	if err := p.removeFile(name); err != nil {
		return err
	}
	err := p.Ring.Remove(ctx, name)
	if held && errors.Is(err, keystore.ErrNotFound) {
		return nil
	}
	return err
}

// Names returns the names of all items in the keystore and in the folder.
func (p *Pending) Names(ctx context.Context) ([]string, error) {
	names, err := p.Ring.Names(ctx)
	if err != nil {
		return nil, err
	}
	entries, err := p.Dir.Entries()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, e := range entries {
		if isItemName(e.Name()) && !slices.Contains(names, e.Name()) {
			names = append(names, e.Name())
		}
	}
	return names, nil
}
