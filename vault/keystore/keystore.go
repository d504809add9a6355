// Package keystore opens a keystore, which stores named secrets that only its user can read. Other packages
// decide what the items mean, how long they live and who creates them.
package keystore

import (
	"context"
	"strings"
	"unicode/utf8"
)

// Item is one named secret.
type Item struct {
	Name        string
	Label       string // shown by the system's own keystore programs, such as Keychain Access
	Description string
	Data        []byte // the secret
	Touch       bool   // whether opening the item needs a touch of a security key; only allowed if Keystore.Touch is true
	Untrusted   bool   // whether macOS prompts the user at each read, even if aws-vault reads the item
}

// A Ring is one of the two parts of a keystore: the keys or the private items. Its methods are safe for use by
// several goroutines. Other processes may change the items at any time. The name of an item is valid UTF-8 without
// NUL, has 1 to maxName bytes, and is neither "." nor "..". For any other name, the methods return a *NameError.
type Ring interface {
	// Item opens the item called name. It returns ErrNotFound if there is no such item, and a *DamagedError if the
	// item cannot be read. If the ring cannot be unlocked, it returns ErrWrongPassphrase or a *LockedError.
	Item(ctx context.Context, name string) (Item, error)

	// Put writes an item and replaces an item of the same name. The write is atomic.
	Put(ctx context.Context, it Item) error

	// Remove removes the item called name, or returns ErrNotFound.
	Remove(ctx context.Context, name string) error

	// Names returns the names of all items, sorted. It opens no item.
	Names(ctx context.Context) ([]string, error)

	// Stamp returns a string that changes whenever any program writes the item. It does not open the item. In some
	// keystores, two writes within the same second can leave the string unchanged. Stamp returns "" if this keystore
	// cannot detect writes, and ErrNotFound if there is no item called name.
	Stamp(ctx context.Context, name string) (string, error)

	// Check shows the prompts that Put needs, such as a passphrase prompt. It writes nothing. Some keystores can
	// prompt only during Put. Their Check shows no prompts.
	Check(ctx context.Context) error
}

// Keystore is an opened keystore.
type Keystore struct {
	Name string // the name of the keystore, one of Backends

	// Keys holds the items of aws-vault 7, under the same names and in the same format.
	Keys Ring

	// Private holds sessions, tokens and journals. aws-vault 7 neither lists nor deletes these items. Names
	// returns digests of the items' names. Item, Remove and Stamp accept a name or its digest. Put needs the name.
	// Item returns the name in Item.Name, even if its argument was the digest.
	Private Ring

	// ExpectPut announces a Put, so that the keystore can derive keys in the background. It returns at once and
	// never prompts. It is nil if the keystore has nothing to prepare.
	ExpectPut func()

	// Local reports whether Put, after a successful Check, only writes a file. Put then depends on no other
	// program or service that could fail or hang.
	Local bool

	// Touch reports whether the keystore supports items that need a touch of a security key to open.
	Touch bool

	// Skipped lists the keystores that Open tried first and that are not available here, with the reasons.
	Skipped []SkippedBackend
}

// maxName is the maximum length of a name, in bytes. The file and pass backends have lower limits of their own.
const maxName = 1024

// checkName returns a *NameError for a name that some keystore could not store unchanged.
func checkName(name string) error {
	switch {
	case name == "":
		return &NameError{Name: name, Reason: "is empty"}
	case len(name) > maxName:
		return &NameError{Name: firstLetters(name), Reason: "is too long"}
	case strings.ContainsRune(name, 0):
		return &NameError{Name: name, Reason: "contains a NUL"}
	case !utf8.ValidString(name):
		return &NameError{Name: name, Reason: "is not UTF-8"}
	case name == "." || name == "..":
		return &NameError{Name: name, Reason: "is a relative path element"}
	}
	return nil
}

// CheckItem looks for damage that is visible without opening the item. It returns a *[DamagedError] if it finds
// damage, and a different error if it cannot read the item. It returns nil for rings that do not support this check.
func CheckItem(ctx context.Context, r Ring, name string) error {
	if w, ok := r.(interface {
		checkItem(ctx context.Context, name string) error
	}); ok {
		return w.checkItem(ctx, name)
	}
	return nil
}

// CheckUnique returns a *[DuplicateError] if the ring holds several items called name with different contents. It
// returns nil for keystores in which a name has at most one item.
func CheckUnique(ctx context.Context, ring any, name string) error {
	if r, ok := ring.(interface {
		CheckUnique(ctx context.Context, name string) error
	}); ok {
		return r.CheckUnique(ctx, name)
	}
	return nil
}
