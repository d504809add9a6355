package keystore

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"aws-vault/vault/printable"
)

// NotRekeyableError reports that [Rekey] cannot change the passphrase of this kind of keystore.
type NotRekeyableError struct{ Backend string }

func (e *NotRekeyableError) Error() string {
	return fmt.Sprintf("the keystore in use is %s, expected the file keystore", e.Backend)
}

// CheckRekeyable returns a [*NotRekeyableError] if k is not the file keystore.
func CheckRekeyable(k *Keystore) error {
	_, _, err := fileRings(k)
	return err
}

// fileRings returns the two rings of a file keystore: keys and private items.
func fileRings(k *Keystore) (keys, private *fileRing, err error) {
	keys, ok := k.Keys.(*fileRing)
	privatePart, isPrivate := k.Private.(privateRing)
	private, isFile := privatePart.ring.(*fileRing)
	if !ok || !isPrivate || !isFile {
		return nil, nil, &NotRekeyableError{k.Name}
	}
	return keys, private, nil
}

// Rekeyed is the result of [Rekey].
type Rekeyed struct {
	Items             int      // number of items that the new passphrase now opens
	UnreadableKeys    []string // names of the keys that neither passphrase opens
	UnreadablePrivate int      // number of sessions and tokens that neither passphrase opens
}

// Rekey encrypts each item of a file keystore with a new passphrase (next). It prompts for the old passphrase.
//
// Each item is replaced atomically, and no plain text is written. If Rekey is interrupted, nothing is lost: a
// second call with the same two passphrases completes the work. If another process writes an item at the same
// time, Rekey returns an error and leaves that item as the other process wrote it.
func Rekey(ctx context.Context, k *Keystore, next string) (Rekeyed, error) {
	var done Rekeyed
	keys, private, err := fileRings(k)
	switch {
	case err != nil:
		return done, err
	case next == "":
		return done, &EmptyPassphraseError{Dir: keys.dir.Path(), New: true}
	}
	old, err := keys.pass.unlock(ctx, nil)
	if err != nil {
		return done, err
	}
	// Encrypt the private items first, then the keys in reverse order. If Rekey is interrupted, the next Rekey
	// verifies the old passphrase on the first keys. These keys must therefore be encrypted last.
	for _, r := range []*fileRing{private, keys} {
		names, err := r.Names(ctx)
		if err != nil {
			return done, err
		}
		for _, name := range slices.Backward(names) {
			opened, err := r.reseal(ctx, name, old, next)
			switch {
			case errors.Is(err, ErrNotFound): // removed by another process
			case err != nil:
				return done, err
			case opened:
				done.Items++
			case r == keys:
				done.UnreadableKeys = append(done.UnreadableKeys, name)
			default:
				done.UnreadablePrivate++
			}
		}
	}
	slices.Sort(done.UnreadableKeys)
	return done, nil
}

// reseal encrypts one item with the new passphrase (next). It reports whether the old or the new passphrase opens
// the item.
func (r *fileRing) reseal(ctx context.Context, name, old, next string) (opened bool, err error) {
	token, err := r.read(ctx, name)
	if err != nil {
		return false, err
	}
	sealed, err := parseJWE(token)
	if err != nil {
		return false, nil
	}
	if _, err := sealed.open(next); err == nil {
		return true, nil // an interrupted Rekey has already encrypted this item
	}
	content, err := sealed.open(old)
	if err != nil {
		return false, nil
	}
	under, err := newWrapping(next)
	if err != nil {
		return false, err
	}
	again, err := sealJWE(content, under, r.config.now().UTC().String())
	if err != nil {
		return false, err
	}
	file, err := r.file(name)
	if err != nil {
		return false, err
	}
	switch now, err := r.read(ctx, name); {
	case err != nil:
		return false, err
	case now != token:
		return false, fmt.Errorf("item %s was changed by another process at the same time", printable.Quote(name))
	}
	return true, r.dir.Write(file, []byte(again.String()))
}

// EmptyPassphrase returns an [*EmptyPassphraseError] if k is a file keystore and an empty passphrase opens one of
// its items. It does not prompt.
func EmptyPassphrase(k *Keystore) error {
	r, _, err := fileRings(k)
	if err != nil {
		return nil
	}
	for _, item := range r.pass.samples() {
		if _, err := item.open(""); err == nil {
			return &EmptyPassphraseError{Dir: r.dir.Path()}
		}
	}
	return nil
}
