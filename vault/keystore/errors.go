package keystore

import (
	"errors"
	"fmt"
	"strings"

	"aws-vault/vault/printable"
)

var (
	// ErrNotFound reports that there is no item of the requested name.
	ErrNotFound = errors.New("no such item")

	// ErrWrongPassphrase reports that the passphrase does not open the items of the keystore.
	ErrWrongPassphrase = errors.New("wrong passphrase")

	// ErrLocked matches every *LockedError.
	ErrLocked = errors.New("locked")
)

// EmptyPassphraseError reports that the items of a file keystore are encrypted with an empty passphrase, or that
// an operation failed because it would have used an empty passphrase. Everyone who can read the files can decrypt
// such items.
type EmptyPassphraseError struct {
	Dir string
	New bool // whether the keystore has no items yet
}

func (e *EmptyPassphraseError) Error() string {
	if e.New {
		return fmt.Sprintf("the passphrase for %s is empty", e.Dir)
	}
	return fmt.Sprintf("the keys in %s are encrypted with an empty passphrase: everyone who can read the files can read the keys", e.Dir)
}

// LockedError reports that a keystore exists but was not unlocked. For example, the user dismissed the prompt, or
// no prompt was possible. Callers must not use another keystore instead, because the user's keys would seem to be
// lost.
type LockedError struct {
	Backend string
	Reason  string // such as "the prompt was dismissed"
	// whether the user dismissed a prompt. If so, the same prompt should not appear again until the user requests
	// it.
	Dismissed bool
}

func (e *LockedError) Error() string { return fmt.Sprintf("%s is locked: %s", e.Backend, e.Reason) }

// Is reports whether target is ErrLocked.
func (e *LockedError) Is(target error) bool { return target == ErrLocked }

// UnavailableError reports that a keystore is not available on this system, for example because it is not
// installed or not set up. Open skips such a keystore, unless the configuration selects it by name.
type UnavailableError struct {
	Backend string
	Reason  string
}

func (e *UnavailableError) Error() string {
	return fmt.Sprintf("keystore %q is not available: %s", e.Backend, e.Reason)
}

// DamagedError reports that an item is incomplete, is not in the format of aws-vault, or cannot be decrypted. The
// field Where contains the directory that holds the item, or the name of the keystore.
type DamagedError struct {
	Name, Where string
	Err         error
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("damaged item %s in %s: %v", printable.Quote(e.Name), e.Where, e.Err)
}

func (e *DamagedError) Unwrap() error { return e.Err }

// DuplicateError reports that a keystore holds several items that have the same name but different contents. The
// method Item opens one of these items. The method Remove removes all of them.
type DuplicateError struct {
	Name, Where string
	Items       int
}

func (e *DuplicateError) Error() string {
	return fmt.Sprintf("%s has %d different items called %s, expected one", e.Where, e.Items, printable.Quote(e.Name))
}

// NameError reports that no item can have this name.
type NameError struct {
	Name   string
	Reason string
}

func (e *NameError) Error() string {
	return fmt.Sprintf("item name %s: %s", printable.Quote(e.Name), e.Reason)
}

// firstLetters returns the beginning of a name that is too long for a message. It does not cut a character in two.
func firstLetters(name string) string { return strings.ToValidUTF8(name[:32], "") + "…" }

// A SkippedBackend is a keystore that Open skipped, with the reason.
type SkippedBackend struct {
	Backend string
	Err     error
}

// NoKeystoreError reports that no keystore is available.
type NoKeystoreError struct{ Skipped []SkippedBackend }

func (e *NoKeystoreError) Error() string {
	reasons := make([]string, len(e.Skipped))
	for i, t := range e.Skipped {
		reasons[i] = t.Err.Error()
	}
	return "no keystore is available: " + strings.Join(reasons, "; ")
}

// Unwrap returns the errors of all skipped keystores.
func (e *NoKeystoreError) Unwrap() []error {
	errs := make([]error, len(e.Skipped))
	for i, t := range e.Skipped {
		errs[i] = t.Err
	}
	return errs
}
