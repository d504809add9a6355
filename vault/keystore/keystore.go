// Package keystore opens a keystore: named items that only its user can read. What the items mean,
// how long they live and who may make them is left to others.
package keystore

import (
	"context"
	"strings"
	"unicode/utf8"
)

// Item is one named secret.
type Item struct {
	Name        string
	Label       string // shown by the system's own keystore programs
	Description string
	Data        []byte // the secret
	Touch       bool   // it opens with a touch of a hardware key only; where Keystore.Touch is set
	Untrusted   bool   // macOS asks the user at each reading, even for this program
}

// Ring is one part of a keystore. Its methods may be called from several goroutines, and other
// processes may change what it holds at any time. A name is text without NUL, neither empty nor
// a step in a path; any other is a *NameError.
type Ring interface {
	// Item opens the item called name. Without one it returns ErrNotFound, for one that cannot
	// be read a *DamagedError, and ErrWrongPassphrase or a *LockedError for a ring that stays shut.
	Item(ctx context.Context, name string) (Item, error)

	// Put writes it whole or not at all, in place of an item of the same name.
	Put(ctx context.Context, it Item) error

	// Remove removes the item called name, or returns ErrNotFound.
	Remove(ctx context.Context, name string) error

	// Names lists the ring without opening an item, sorted.
	Names(ctx context.Context) ([]string, error)

	// Stamp is a word that changes whenever the item is written, by whichever program, got
	// without opening it; "" where this keystore cannot tell, and ErrNotFound without an item.
	Stamp(ctx context.Context, name string) (string, error)

	// Check does whatever a Put would have to ask the user for, and writes nothing.
	Check(ctx context.Context) error
}

// Keystore is an opened keystore.
type Keystore struct {
	Name string // as in Backends

	// Keys holds what aws-vault 7 holds, under the same names and in the same form.
	Keys Ring

	// UnreadablePrivate holds sessions, tokens and journals where aws-vault 7 neither lists nor deletes
	// them. Its Names are digests that tell nothing; each is taken wherever a name is, and the
	// item found there says its own name.
	Private Ring

	// ExpectPut, where it is not nil, says that an item is about to be put. What that takes is done
	// meanwhile, as far as nobody has to be asked for it, and Expect does not wait.
	ExpectPut func()

	// Local says that Put is a write to a file of this process's own, once Check has passed: no other
	// program or service can fail or hang in it.
	Local bool

	// Touch says that items can be kept so that each opening takes a touch of a hardware key.
	Touch bool

	// Skipped is which keystores cannot exist here and were passed over, and why.
	Skipped []SkippedBackend
}

// maxName bounds a name in bytes. A file name has room for 255 and escaping may triple a byte.
const maxName = 1024

// checkName refuses names that no keystore can be trusted to keep as they are.
func checkName(name string) error {
	switch {
	case name == "":
		return &NameError{Name: name, Reason: "is empty"}
	case len(name) > maxName:
		return &NameError{Name: name[:32] + "…", Reason: "is too long"}
	case strings.ContainsRune(name, 0):
		return &NameError{Name: name, Reason: "has a NUL"}
	case !utf8.ValidString(name):
		return &NameError{Name: name, Reason: "is not UTF-8"}
	case name == "." || name == "..":
		return &NameError{Name: name, Reason: "is a step in a path"}
	}
	return nil
}

// CheckItem returns a *[DamagedError] for an item that can be seen to be damaged without being
// opened, and nil for one that looks whole or where a keystore cannot tell.
func CheckItem(ctx context.Context, r Ring, name string) error {
	if w, ok := r.(interface {
		checkItem(ctx context.Context, name string) error
	}); ok {
		return w.checkItem(ctx, name)
	}
	return nil
}

// CheckUnique returns a *[DuplicateError] if the ring holds several different items under one name. It
// returns nil for a keystore where a name has one item at most.
func CheckUnique(ctx context.Context, ring any, name string) error {
	if r, ok := ring.(interface {
		CheckUnique(ctx context.Context, name string) error
	}); ok {
		return r.CheckUnique(ctx, name)
	}
	return nil
}
