package keystore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"sync"

	"aws-vault/vault/disk"
	"aws-vault/vault/keystore/sealed"
	"aws-vault/vault/keystore/unlocked"
)

// SealedBackend is the name of the keystore of package sealed.
const SealedBackend = "sealed"

// filePassphrase is the environment variable with the passphrase of the file keystore, for use without prompts.
const filePassphrase = "AWS_VAULT_FILE_PASSPHRASE"

// Sealed returns the configuration of the sealed keystore. If package unlocked stores the current master key, that
// key unlocks the store. Otherwise, an opener unlocks the store.
func (c Config) Sealed() (sealed.Config, error) {
	dir, err := c.sealedDir()
	if err != nil {
		return sealed.Config{}, err
	}
	return sealed.Config{
		Dir: dir, Now: c.Now,
		Lock: func(ctx context.Context) (context.Context, func(), error) {
			if err := c.checkLockable(dir); err != nil {
				return ctx, nil, err
			}
			return c.Lock(ctx, "sealed", "a change to "+dir)
		},
		Unlock: func(ctx context.Context, h *sealed.Header) (sealed.MasterKey, error) {
			k, err := unlocked.Get(UnlockedKeyName(h.Store), c.now())
			if err == nil && k.ID == h.Key {
				return k.Secret, nil
			}
			return h.OpenMasterKey(ctx, dir, c.Openers)
		},
		Touch: func(ctx context.Context, h *sealed.Header) (sealed.MasterKey, error) {
			return h.OpenTouchKey(ctx, dir, c.Openers)
		},
	}, nil
}

// checkLockable returns an error if there is no state folder for the lock of the sealed keystore. Without a
// lock, one writer could undo the changes of another writer.
func (c Config) checkLockable(dir string) error {
	if c.State == nil {
		return fmt.Errorf("the sealed keystore in %s cannot be changed without the state folder: %w", dir, disk.ErrNoFolder)
	}
	return nil
}

// UnlockedKeyName returns the name under which package unlocked stores the key of a sealed store.
func UnlockedKeyName(store string) string { return "aws-vault sealed " + store }

// sealedDir returns the directory of the store: the configured directory or the default directory.
func (c Config) sealedDir() (string, error) {
	if c.SealedDir != "" {
		return c.absolute(c.SealedDir)
	}
	dir, found := disk.Data.ProgramDir(c.env, c.Home)
	if !found { // the home directory is unknown, so the default is below the root directory
		dir, _ = disk.Data.ProgramDir(c.env, string(filepath.Separator))
	}
	return filepath.Abs(filepath.Join(dir, "sealed"))
}

// openSealed opens the sealed keystore. If the configuration does not select the sealed keystore by name and
// reasonForFile returns a reason, openSealed returns an *UnavailableError, so that Open uses the file keystore. If
// Open used the sealed keystore, keys in the file keystore would seem to be lost.
func openSealed(_ context.Context, c Config) (*Keystore, error) {
	config, err := c.Sealed()
	if err != nil {
		return nil, &UnavailableError{Backend: SealedBackend, Reason: err.Error()}
	}
	store, err := sealed.Open(config)
	var owner *disk.OwnerError
	if errors.As(err, &owner) {
		return nil, fmt.Errorf("the sealed keystore in %s cannot be used: %w", config.Dir, err)
	}
	if err != nil && !errors.Is(err, sealed.ErrNoStore) {
		return nil, err
	}
	if c.Backend != SealedBackend {
		if reason := c.reasonForFile(store != nil); reason != "" {
			return nil, &UnavailableError{Backend: SealedBackend, Reason: reason}
		}
	}
	v := &lazyStore{config: config, lockErr: c.checkLockable(config.Dir), prompt: c.Openers.Passphrase, pluginUI: c.Openers.Plugin, note: c.Note, store: store}
	return &Keystore{
		Name: SealedBackend, Touch: true,
		Keys:    sealedRing{v, "key"},
		Private: privateRing{ring: sealedRing{v, "private"}, location: config.Dir},
	}, nil
}

// reasonForFile returns the reason to use the file keystore instead of the sealed keystore, or "" if there is no
// reason. The argument exists reports whether there is a sealed store.
func (c Config) reasonForFile(exists bool) string {
	dir, err := c.fileDir()
	if err != nil {
		return ""
	}
	hasKeys, err := hasItems(disk.NewFolder(dir))
	if err != nil {
		return err.Error()
	}
	if hasKeys {
		return "the file keystore in " + dir + " has keys"
	}
	if _, set := c.env(filePassphrase); set && !exists {
		return filePassphrase + " is set, and there is no sealed store"
	}
	return ""
}

// hasItems reports whether a folder contains items. It returns an error if the folder cannot be read.
func hasItems(dir *disk.Folder) (bool, error) {
	entries, err := dir.Entries()
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	for _, e := range entries {
		if e.Type().IsRegular() && !disk.IsTemp(e.Name()) {
			return true, nil
		}
	}
	return false, err
}

// A lazyStore is a sealed store that the first write creates.
type lazyStore struct {
	config   sealed.Config
	lockErr  error // why the store cannot be written; nil if it can be written
	prompt   func(context.Context, sealed.PassphrasePrompt) (string, error)
	pluginUI sealed.PluginUI
	note     func(msg string)

	mu         sync.Mutex
	store      *sealed.Store // nil until the store exists
	passphrase string        // the passphrase that the user chose for a new store
}

// open returns the store, or ErrNotFound if it does not exist yet.
func (v *lazyStore) open(ctx context.Context) (*sealed.Store, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.find()
}

func (v *lazyStore) find() (*sealed.Store, error) {
	if v.store != nil {
		return v.store, nil
	}
	s, err := sealed.Open(v.config) // another process may have created the store
	if errors.Is(err, sealed.ErrNoStore) {
		return nil, ErrNotFound
	}
	v.store = s
	return s, err
}

// choosePassphrase prompts for the passphrase of a new store. It returns an error that matches [sealed.ErrNoStore]
// if it cannot prompt.
func (v *lazyStore) choosePassphrase(ctx context.Context) error {
	if v.passphrase != "" {
		return nil
	}
	if v.prompt == nil {
		return fmt.Errorf("%w in %s, and its passphrase cannot be chosen without a prompt", sealed.ErrNoStore, v.config.Dir)
	}
	text, err := v.prompt(ctx, sealed.PassphrasePrompt{Dir: v.config.Dir, New: true})
	v.passphrase = text
	return err
}

// prepareWrite shows the prompts that a write needs: it unlocks the store, or prompts for the passphrase of a new
// store. It writes nothing.
func (v *lazyStore) prepareWrite(ctx context.Context) error {
	if v.lockErr != nil {
		return v.lockErr
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	s, err := v.find()
	switch {
	case errors.Is(err, ErrNotFound):
		return v.choosePassphrase(ctx)
	case err != nil:
		return err
	}
	_, err = s.Unlock(ctx)
	return err
}

// openOrCreate returns the store and creates it if it does not exist.
func (v *lazyStore) openOrCreate(ctx context.Context) (*sealed.Store, error) {
	if v.lockErr != nil {
		return nil, v.lockErr
	}
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	s, err := v.find()
	if !errors.Is(err, ErrNotFound) {
		return s, err
	}
	if err := v.choosePassphrase(ctx); err != nil {
		return nil, err
	}
	s, err = sealed.Create(ctx, v.config, v.pluginUI, sealed.NewOpener{
		Opener: sealed.Opener{Name: sealed.Passphrase, Kind: sealed.Passphrase}, Passphrase: v.passphrase,
	})
	v.passphrase = ""
	if errors.Is(err, sealed.ErrExists) { // another process has created the store during the prompt
		return v.find()
	}
	if err != nil {
		return nil, err
	}
	if v.note != nil {
		v.note("created a sealed keystore in " + v.config.Dir + "; only the passphrase that you chose opens it (to add another opener, run aws-vault sealed add)")
	}
	v.store = s
	return s, nil
}

// A sealedRing contains the items of one kind in a sealed store.
type sealedRing struct {
	lazy *lazyStore
	kind string
}

// error converts an error of package sealed into an error of this package.
func (r sealedRing) error(name string, err error) error {
	var damaged *sealed.DamagedError
	switch {
	case errors.Is(err, sealed.ErrNoItem):
		return ErrNotFound
	case errors.Is(err, sealed.ErrNoOpener):
		return &LockedError{Backend: SealedBackend, Reason: err.Error()}
	case errors.As(err, &damaged) && filepath.Dir(damaged.Path) != r.lazy.config.Dir:
		return &DamagedError{Name: name, Where: r.lazy.config.Dir, Err: damaged.Err}
	}
	return err
}

func (r sealedRing) Item(ctx context.Context, name string) (Item, error) {
	if err := checkName(name); err != nil {
		return Item{}, err
	}
	s, err := r.lazy.open(ctx)
	if err != nil {
		return Item{}, err
	}
	found, err := s.Item(ctx, r.kind, name)
	if err != nil {
		return Item{}, r.error(name, err)
	}
	it, err := decodePayload(found.Data)
	if err != nil {
		return Item{}, &DamagedError{Name: name, Where: r.lazy.config.Dir, Err: err}
	}
	it.Touch = found.Touch
	return it, nil
}

func (r sealedRing) Put(ctx context.Context, it Item) error {
	if err := checkName(it.Name); err != nil {
		return err
	}
	s, err := r.lazy.openOrCreate(ctx)
	if err == nil {
		err = s.Put(ctx, sealed.Item{Kind: r.kind, Name: it.Name, Data: encodePayload(it), Touch: it.Touch})
	}
	return r.error(it.Name, err)
}

func (r sealedRing) Remove(ctx context.Context, name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	s, err := r.lazy.open(ctx)
	if err == nil {
		err = s.Remove(ctx, r.kind, name)
	}
	return r.error(name, err)
}

func (r sealedRing) Names(ctx context.Context) ([]string, error) {
	s, err := r.lazy.open(ctx)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	names, err := s.Names(ctx, r.kind)
	return names, r.error("", err)
}

func (r sealedRing) Stamp(ctx context.Context, name string) (string, error) {
	if err := checkName(name); err != nil {
		return "", err
	}
	s, err := r.lazy.open(ctx)
	if err != nil {
		return "", err
	}
	stamp, err := s.Stamp(ctx, r.kind, name)
	return stamp, r.error(name, err)
}

func (r sealedRing) Check(ctx context.Context) error {
	return r.error("", r.lazy.prepareWrite(ctx))
}

// CheckSealed returns the damage that [sealed.Store.Check] finds in a sealed keystore. It returns nothing for
// other keystores.
func CheckSealed(ctx context.Context, k *Keystore) ([]error, error) {
	r, ok := k.Keys.(sealedRing)
	if !ok {
		return nil, nil
	}
	s, err := r.lazy.open(ctx)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	found, err := s.Check(ctx)
	return found, r.error("", err)
}
