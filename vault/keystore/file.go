package keystore

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"aws-vault/vault/disk"
	"aws-vault/vault/printable"
)

const fileBackend = "file"

const (
	// maxItemFile is the maximum size of an item's file, in bytes. The longest item of aws-vault is a session with
	// a long token. It needs about 5 KiB.
	maxItemFile = 256 << 10

	// maxSamples is the maximum number of items on which a passphrase is tried. A passphrase that opens none of
	// them counts as wrong.
	maxSamples = 16

	// maxCached is the maximum number of decrypted items in a ring's cache. To open a cached item again, no key
	// derivation is necessary.
	maxCached = 32

	// maxFileName is the maximum length of a file name in common file systems, in bytes.
	maxFileName = 255
)

// openFile opens the file keystore, which needs only a directory and a passphrase.
func openFile(_ context.Context, c Config) (*Keystore, error) {
	dir, err := c.fileDir()
	if err != nil {
		return nil, &UnavailableError{Backend: fileBackend, Reason: err.Error()}
	}
	private := c.privateDir(fileBackend, dir)
	keys := &fileRing{dir: disk.NewFolder(dir), config: c, verifies: true}
	privateItems := &fileRing{dir: private, config: c}
	pass := newPassphrase(dir, c, func() []*jwe {
		if samples := keys.samples(); len(samples) > 0 {
			return samples
		}
		return privateItems.samples()
	})
	keys.pass, privateItems.pass = pass, pass
	return &Keystore{Name: fileBackend, Keys: keys, Private: privateRing{ring: privateItems, location: private.Path()}, ExpectPut: pass.expectPut, Local: true}, nil
}

// privateDir returns the folder for the private items of the keystore whose keys are at path.
func (c Config) privateDir(kind, path string) *disk.Folder {
	sum := sha256.Sum256([]byte(path))
	return c.State.Folder("private").Folder(kind + "-" + hex.EncodeToString(sum[:8]))
}

// A fileRing stores each item in its own file, as aws-vault 7 does.
type fileRing struct {
	dir    *disk.Folder
	config Config
	pass   *passphrase

	// verifies is true for the ring of the keys. A passphrase that opens a key is correct. verifies is false for
	// the ring of the private items, because private items may be older than the keys and encrypted with an
	// earlier passphrase. Only if the keystore has no keys, a passphrase that opens a private item counts as
	// correct.
	verifies bool

	mu    sync.Mutex
	cache map[string]Item // decrypted items, by the digest of the item's file
}

// file returns the file name of the item called name.
func (r *fileRing) file(name string) (string, error) {
	if err := checkName(name); err != nil {
		return "", err
	}
	base := escapeFileName(name)
	if disk.IsTemp(base) {
		return "", &NameError{Name: name, Reason: "is reserved for temporary files"}
	}
	if len(base) > maxFileName {
		return "", &NameError{Name: firstLetters(name), Reason: "is too long for a file name"}
	}
	return base, nil
}

func (r *fileRing) Item(ctx context.Context, name string) (Item, error) {
	token, err := r.read(ctx, name)
	if err != nil {
		return Item{}, err
	}
	if it, ok := r.cached(token); ok {
		it.Name = name
		return it, nil
	}
	sealed, err := parseJWE(token)
	if err != nil {
		return Item{}, r.damaged(name, err)
	}
	content, err := r.open(ctx, name, sealed)
	if err != nil {
		return Item{}, err
	}
	it, err := decodePayload(content)
	if err != nil {
		return Item{}, r.damaged(name, err)
	}
	// As in aws-vault 7, the file name determines the item's name. The name in the content is ignored: in a copy
	// of a file, it is still the name of the original item.
	it.Name = name
	r.addToCache(token, it)
	return it, nil
}

// open decrypts the encrypted content (sealed) of the item called name. For a private item, open tries the user's
// answer on the item before the answer is verified on the keys. If the answer opens the item, open needs no
// verification, which saves a key derivation of about 1 ms.
func (r *fileRing) open(ctx context.Context, name string, sealed *jwe) ([]byte, error) {
	first := sealed
	if !r.verifies {
		text, err := r.pass.unverified(ctx)
		if err != nil {
			return nil, err
		}
		if content, err := sealed.open(text); err == nil {
			if text == "" {
				r.pass.warnEmpty()
			}
			return content, nil
		}
		first = nil
	}
	text, err := r.pass.unlock(ctx, first)
	if err != nil {
		return nil, err
	}
	content, err := sealed.open(text)
	if err != nil {
		return nil, r.damaged(name, err)
	}
	return content, nil
}

func (r *fileRing) Put(ctx context.Context, it Item) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	file, err := r.file(it.Name)
	if err != nil {
		return err
	}
	content := encodePayload(it)
	if len(content) > maxItemFile/2 {
		return fmt.Errorf("item %s has %d bytes, expected at most %d", printable.Quote(it.Name), len(content), maxItemFile/2)
	}
	if err := r.dir.Usable(); err != nil { // fail before the passphrase prompt, not after it
		return r.unusable(err)
	}
	pass, err := r.pass.unlock(ctx, nil)
	if err != nil {
		return err
	}
	under, err := r.pass.precomputed.get(pass)
	if err != nil {
		return err
	}
	sealed, err := sealJWE(content, under, r.config.now().UTC().String())
	if err != nil {
		return err
	}
	return r.dir.Write(file, []byte(sealed.String()))
}

func (r *fileRing) Remove(ctx context.Context, name string) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	file, err := r.file(name)
	if err != nil {
		return err
	}
	err = r.dir.Remove(file)
	if errors.Is(err, fs.ErrNotExist) {
		return ErrNotFound
	}
	return err
}

func (r *fileRing) Names(ctx context.Context) ([]string, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	if err := r.usable(); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	entries, err := r.dir.Entries()
	if err != nil {
		return nil, err
	}
	r.dir.Sweep(entries, r.config.now().Add(-time.Hour))
	var names []string
	for _, e := range entries {
		name := unescapeFileName(e.Name())
		// Files whose names are not the escaped form of an item name do not belong to aws-vault.
		if file, err := r.file(name); err == nil && e.Type().IsRegular() && file == e.Name() {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// Stamp returns a digest of the item's file. The file changes at every write, because each write uses a new salt.
func (r *fileRing) Stamp(ctx context.Context, name string) (string, error) {
	token, err := r.read(ctx, name)
	if err != nil {
		return "", err
	}
	return digest(token), nil
}

// Check prompts for the passphrase if necessary. For keys, it returns an *EmptyPassphraseError if the passphrase
// is empty, so that no new key is added. A key rotation does not call Check. It can replace a key even if the
// passphrase is empty, because the old key is not protected either.
func (r *fileRing) Check(ctx context.Context) error {
	if err := r.dir.Usable(); err != nil {
		return r.unusable(err)
	}
	text, err := r.pass.unlock(ctx, nil)
	if err == nil && text == "" && r.verifies {
		return &EmptyPassphraseError{Dir: r.dir.Path()}
	}
	return err
}

// read returns the content of the item's file. It removes line breaks at the end, which an editor may have added.
func (r *fileRing) read(ctx context.Context, name string) (string, error) {
	if err := context.Cause(ctx); err != nil {
		return "", err
	}
	file, err := r.file(name)
	if err != nil {
		return "", err
	}
	if err := r.usable(); errors.Is(err, fs.ErrNotExist) {
		return "", ErrNotFound
	} else if err != nil {
		return "", err
	}
	data, err := r.dir.Read(file, maxItemFile)
	var large *disk.TooLargeError
	var kind *disk.KindError
	var owner *disk.OwnerError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", ErrNotFound
	case errors.As(err, &large), errors.As(err, &kind), errors.As(err, &owner):
		return "", r.damaged(name, err)
	case err != nil:
		return "", err
	}
	return strings.TrimRight(string(data), "\r\n"), nil
}

// usable returns nil if the folder exists and belongs to this user, and fs.ErrNotExist if there is no folder.
func (r *fileRing) usable() error {
	err := r.dir.Check()
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return r.unusable(err)
}

func (r *fileRing) unusable(err error) error {
	return fmt.Errorf("the file keystore in %s cannot be used: %w", r.dir.Path(), err)
}

// samples returns up to maxSamples items on which a passphrase can be tried.
func (r *fileRing) samples() []*jwe {
	ctx := context.Background() // reading these files does not block, so it is never canceled
	names, err := r.Names(ctx)
	if err != nil {
		return nil
	}
	var samples []*jwe
	for _, name := range names {
		token, err := r.read(ctx, name)
		if err != nil {
			continue
		}
		if j, err := parseJWE(token); err == nil {
			samples = append(samples, j)
		}
		if len(samples) == maxSamples {
			break
		}
	}
	return samples
}

func (r *fileRing) damaged(name string, err error) error {
	return &DamagedError{Name: name, Where: r.dir.Path(), Err: err}
}

func (r *fileRing) cached(token string) (Item, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	it, ok := r.cache[digest(token)]
	it.Data = slices.Clone(it.Data)
	return it, ok
}

func (r *fileRing) addToCache(token string, it Item) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cache == nil || len(r.cache) >= maxCached {
		r.cache = map[string]Item{}
	}
	it.Data = slices.Clone(it.Data)
	r.cache[digest(token)] = it
}

// digest returns a short hash of content.
func digest(content string) string {
	sum := sha256.Sum256([]byte(content))
	return hex.EncodeToString(sum[:8])
}

func (r *fileRing) checkItem(ctx context.Context, name string) error {
	token, err := r.read(ctx, name)
	if err != nil {
		return err
	}
	if _, err := parseJWE(token); err != nil {
		return r.damaged(name, err)
	}
	return nil
}

// escapeFileName returns the file name for an item name. It replaces the percent sign and all characters that file
// names cannot contain with % and two hexadecimal digits, as in URLs. 99designs/keyring does the same.
// https://www.rfc-editor.org/rfc/rfc3986#section-2.1
func escapeFileName(name string) string {
	var b strings.Builder
	for i := range len(name) {
		c := name[i]
		if c == '%' || strings.IndexByte(escapedInFiles, c) >= 0 {
			b.WriteByte('%')
			b.WriteString(strings.ToUpper(hex.EncodeToString([]byte{c})))
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// unescapeFileName returns the item name for a file name. A percent sign that is not followed by two hexadecimal
// digits stays as it is.
func unescapeFileName(base string) string {
	var b strings.Builder
	for i := 0; i < len(base); i++ {
		c := base[i]
		if c == '%' && i+2 < len(base) {
			if raw, err := hex.DecodeString(base[i+1 : i+3]); err == nil {
				c, i = raw[0], i+2
			}
		}
		b.WriteByte(c)
	}
	return b.String()
}
