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

// SealedBackend is the keystore of package sealed.
const SealedBackend = "sealed"

// filePassphrase is set by those who mean the file keystore, where they cannot be asked.
const filePassphrase = "AWS_VAULT_FILE_PASSPHRASE"

// Sealed says where the sealed keystore is, and how its keys are had: while it is unlocked, from
// where its key waits, and otherwise from an opener.
func (c Config) Sealed() (sealed.Config, error) {
	dir, err := c.sealedDir()
	if err != nil {
		return sealed.Config{}, err
	}
	return sealed.Config{
		Dir: dir, Now: c.Now,
		Alone: func(ctx context.Context) (context.Context, func(), error) {
			if err := c.lockable(dir); err != nil {
				return ctx, nil, err
			}
			return c.Alone(ctx, "sealed", "a change of "+dir)
		},
		Unlock: func(ctx context.Context, h *sealed.Header) (sealed.MasterKey, error) {
			k, err := unlocked.Find(WaitingName(h.Store), c.now())
			if err == nil && k.ID == h.Key {
				return k.Secret, nil
			}
			return h.Master(ctx, dir, c.Openers)
		},
		Touch: func(ctx context.Context, h *sealed.Header) (sealed.MasterKey, error) {
			return h.TouchKey(ctx, dir, c.Openers)
		},
	}, nil
}

// lockable returns an error if there is no folder for the lock of a sealed keystore's writers.
// Without the lock, one of two could undo what the other has done.
func (c Config) lockable(dir string) error {
	if c.State == nil {
		return fmt.Errorf("the sealed keystore in %s cannot be changed without the state folder: %w", dir, disk.ErrNoFolder)
	}
	return nil
}

// WaitingName is what the key of an unlocked store waits under.
func WaitingName(store string) string { return "aws-vault sealed " + store }

// sealedDir is where the store lies unless it was said.
func (c Config) sealedDir() (string, error) {
	if c.SealedDir != "" {
		return c.absolute(c.SealedDir)
	}
	dir, found := disk.Data.ProgramDir(c.env, c.Home)
	if !found { // no home directory is known: it is below the root directory
		dir, _ = disk.Data.ProgramDir(c.env, string(filepath.Separator))
	}
	return filepath.Abs(filepath.Join(dir, "sealed"))
}

// openSealed opens our own keystore. Where it was not asked for, keys that lie in the file
// keystore come first, for they would seem to be gone.
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
		if reason := c.meansFile(store != nil); reason != "" {
			return nil, &UnavailableError{Backend: SealedBackend, Reason: reason}
		}
	}
	v := &sealedVault{config: config, lockable: c.lockable(config.Dir), ask: c.Openers.Passphrase, ui: c.Openers.Plugin, tell: c.Tell, store: store}
	return &Keystore{
		Name: SealedBackend, Touch: true,
		Keys:    sealedRing{v, "key"},
		Private: hidden{ring: sealedRing{v, "private"}, where: config.Dir},
	}, nil
}

// meansFile is why the file keystore is meant where none was named; empty if it is not.
func (c Config) meansFile(made bool) string {
	dir, err := c.fileDir()
	if err != nil {
		return ""
	}
	holds, err := holdsFiles(disk.NewFolder(dir))
	if err != nil {
		return err.Error()
	}
	if holds {
		return "the file keystore in " + dir + " holds keys"
	}
	if _, set := c.env(filePassphrase); set && !made {
		return filePassphrase + " is set, and there is no sealed store"
	}
	return ""
}

// holdsFiles reports whether items are in a folder. If that cannot be told, it returns why.
func holdsFiles(dir *disk.Folder) (bool, error) {
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

// sealedVault is a sealed store that is made by the first writing.
type sealedVault struct {
	config   sealed.Config
	lockable error // why nothing can be written
	ask      func(context.Context, sealed.PassphraseAsk) (string, error)
	ui       sealed.PluginUI
	tell     func(msg string)

	mu     sync.Mutex
	store  *sealed.Store // nil before there is one
	chosen string        // the passphrase for a new one
}

// opened is the store, if there is one by now.
func (v *sealedVault) opened(ctx context.Context) (*sealed.Store, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.find()
}

func (v *sealedVault) find() (*sealed.Store, error) {
	if v.store != nil {
		return v.store, nil
	}
	s, err := sealed.Open(v.config) // another process may have made it
	if errors.Is(err, sealed.ErrNoStore) {
		return nil, ErrNotFound
	}
	v.store = s
	return s, err
}

// choose asks for the passphrase of a new store.
func (v *sealedVault) choose(ctx context.Context) error {
	if v.chosen != "" {
		return nil
	}
	if v.ask == nil {
		return &LockedError{Backend: SealedBackend, Reason: "there is no store yet, and nobody can be asked for a passphrase"}
	}
	text, err := v.ask(ctx, sealed.PassphraseAsk{Dir: v.config.Dir, New: true})
	v.chosen = text
	return err
}

// check does what a writing would have to ask for.
func (v *sealedVault) check(ctx context.Context) error {
	if v.lockable != nil {
		return v.lockable
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	s, err := v.find()
	switch {
	case errors.Is(err, ErrNotFound):
		return v.choose(ctx)
	case err != nil:
		return err
	}
	_, err = s.Unlock(ctx)
	return err
}

// made is the store, made now if there is none.
func (v *sealedVault) made(ctx context.Context) (*sealed.Store, error) {
	if v.lockable != nil {
		return nil, v.lockable
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
	if err := v.choose(ctx); err != nil {
		return nil, err
	}
	s, err = sealed.Create(ctx, v.config, v.ui, sealed.NewOpener{
		Opener: sealed.Opener{Name: sealed.Passphrase, Kind: sealed.Passphrase}, Passphrase: v.chosen,
	})
	v.chosen = ""
	if errors.Is(err, sealed.ErrExists) { // by another process, while we asked
		return v.find()
	}
	if err != nil {
		return nil, err
	}
	if v.tell != nil {
		v.tell("a sealed store was made in " + v.config.Dir + ", and that passphrase alone opens it: see aws-vault sealed add")
	}
	v.store = s
	return s, nil
}

// sealedRing is the items of one kind.
type sealedRing struct {
	vault *sealedVault
	kind  string
}

// error puts the store's errors into our words.
func (r sealedRing) error(name string, err error) error {
	var damaged *sealed.DamagedError
	switch {
	case errors.Is(err, sealed.ErrNoItem):
		return ErrNotFound
	case errors.Is(err, sealed.ErrNoOpener):
		return &LockedError{Backend: SealedBackend, Reason: err.Error()}
	case errors.As(err, &damaged) && filepath.Dir(damaged.Path) != r.vault.config.Dir:
		return &DamagedError{Name: name, Where: r.vault.config.Dir, Err: damaged.Err}
	}
	return err
}

func (r sealedRing) Item(ctx context.Context, name string) (Item, error) {
	if err := checkName(name); err != nil {
		return Item{}, err
	}
	s, err := r.vault.opened(ctx)
	if err != nil {
		return Item{}, err
	}
	found, err := s.Item(ctx, r.kind, name)
	if err != nil {
		return Item{}, r.error(name, err)
	}
	it, err := decodePayload(found.Data)
	if err != nil {
		return Item{}, &DamagedError{Name: name, Where: r.vault.config.Dir, Err: err}
	}
	it.Touch = found.Touch
	return it, nil
}

func (r sealedRing) Put(ctx context.Context, it Item) error {
	if err := checkName(it.Name); err != nil {
		return err
	}
	s, err := r.vault.made(ctx)
	if err == nil {
		err = s.Put(ctx, sealed.Item{Kind: r.kind, Name: it.Name, Data: encodePayload(it), Touch: it.Touch})
	}
	return r.error(it.Name, err)
}

func (r sealedRing) Remove(ctx context.Context, name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	s, err := r.vault.opened(ctx)
	if err == nil {
		err = s.Remove(ctx, r.kind, name)
	}
	return r.error(name, err)
}

func (r sealedRing) Names(ctx context.Context) ([]string, error) {
	s, err := r.vault.opened(ctx)
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
	s, err := r.vault.opened(ctx)
	if err != nil {
		return "", err
	}
	stamp, err := s.Stamp(ctx, r.kind, name)
	return stamp, r.error(name, err)
}

func (r sealedRing) Check(ctx context.Context) error {
	return r.error("", r.vault.check(ctx))
}

// Damage looks whether a sealed keystore is whole, as [sealed.Store.Check] does. Of any other
// it knows nothing.
func Damage(ctx context.Context, k *Keystore) ([]error, error) {
	r, ok := k.Keys.(sealedRing)
	if !ok {
		return nil, nil
	}
	s, err := r.vault.opened(ctx)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	found, err := s.Check(ctx)
	return found, r.error("", err)
}
