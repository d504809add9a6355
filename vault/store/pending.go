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
)

// A Pending ring holds items in local files until the keystore has them. It is for keystores that
// are written through another program or service (pass, the Secret Service, a keychain): that can
// fail or hang after the only copy of a secret has arrived. The files are encrypted with a key that
// lies in the keystore, so whoever cannot open the keystore cannot read them.
type Pending struct {
	Ring  StampedRing // the keystore
	Dir   *disk.Folder
	Index *Index
	Now   func() time.Time

	mu  sync.Mutex
	key cipher.AEAD // nil until it was read
}

// pendingKey is the name of the item that holds the key. It has the form of a digest, as the names
// of all items of this program's own.
const pendingKey = "70656e64696e6720617773207661756c" // spells "pending aws vaul"

// pendingVersion is the first byte of a file; another version is another program's.
const pendingVersion = 1

// keyEntryLifetime is how long the list of sessions knows the key's item for what it is.
const keyEntryLifetime = 100 * 365 * 24 * time.Hour

// Prepare does all that can fail or ask before an item is held: it reads the key from the keystore,
// creates one where there is none, and writes to the folder.
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
	trial := disk.TempName()
	if err := p.Dir.Write(trial, []byte{pendingVersion}); err != nil {
		return err
	}
	return p.Dir.Remove(trial)
}

// readKey returns [keystore.ErrNotFound] if there is no key, or none that can be used.
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

// pendingKeyItem is how the key lies in the keystore.
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

// createKey stores a key, and returns what is there then: another process may have been faster.
func (p *Pending) createKey(ctx context.Context) (cipher.AEAD, error) {
	_, lock, err := p.Index.Locks.Named(ctx, "pending", "the key of pending items")
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
	p.Index.addOrWarn(ctx, []Entry{{Type: otherType, Name: pendingKey, Created: now, Expires: now.Add(keyEntryLifetime)}}) // a hint: what fails costs a read
	return p.readKey(ctx)
}

// Save writes an item to a file, with a key that Ready has read. Nothing else is called.
func (p *Pending) Save(it keystore.Item) error {
	p.mu.Lock()
	key := p.key
	p.mu.Unlock()
	switch {
	case key == nil:
		return errors.New("the key of pending items was not read")
	case it.Touch:
		return errors.New("an item that opens with a touch is not held outside the keystore")
	case !isItemName(it.Name):
		return fmt.Errorf("item %q: expected a digest for its name", it.Name)
	}
	plain, err := json.Marshal(pendingItem{it.Name, it.Label, it.Description, it.Data, it.Touch, it.Untrusted})
	if err != nil {
		return err
	}
	sealed := key.Seal([]byte{pendingVersion}, nil, plain, []byte(it.Name))
	err = p.Dir.Write(it.Name, sealed)
	var unsynced *disk.UnsyncedError
	if errors.As(err, &unsynced) {
		return nil // it is in its place
	}
	return err
}

// isItemName reports whether a name is a digest of this program's, and so can be a file's.
func isItemName(name string) bool {
	return len(name) == len(pendingKey) && !slices.ContainsFunc([]byte(name), func(c byte) bool { return (c < '0' || c > '9') && (c < 'a' || c > 'f') })
}

// Has reports whether there is a file for that name.
func (p *Pending) Has(name string) bool {
	if !isItemName(name) {
		return false
	}
	_, err := p.Dir.Stat(name)
	return err == nil
}

// lock returns the item that is held under a name, or [keystore.ErrNotFound]. A file that the key
// does not open belongs to a keystore that is gone.
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

// pendingItem is the JSON of an item in a file. It is a type of its own, so that a renamed field of
// [keystore.Item] does not change the files.
type pendingItem struct {
	Name        string
	Label       string
	Description string
	Data        []byte
	Touch       bool
	Untrusted   bool
}

// Flush stores the item that is held under a name in the keystore, and removes its file. It does
// nothing if there is none.
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

// Item opens the item that is held, or else the keystore's.
func (p *Pending) Item(ctx context.Context, name string) (keystore.Item, error) {
	if it, err := p.readFile(ctx, name); !errors.Is(err, keystore.ErrNotFound) {
		return it, err
	}
	return p.Ring.Item(ctx, name)
}

// Put stores an item in the keystore. One that was held under its name is older, and goes.
func (p *Pending) Put(ctx context.Context, it keystore.Item) error {
	if err := p.Ring.Put(ctx, it); err != nil {
		return err
	}
	return p.removeFile(it.Name)
}

// Stamp tells the writings of an item apart in both places.
func (p *Pending) Stamp(ctx context.Context, name string) (string, error) {
	if isItemName(name) {
		if raw, err := p.Dir.Read(name, 2*maxItem); err == nil {
			sum := sha256.Sum256(raw)
			return "pending " + hex.EncodeToString(sum[:8]), nil
		}
	}
	return p.Ring.Stamp(ctx, name)
}

// Remove removes an item from both places.
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

// Names lists both places.
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
