package keystore

import (
	"errors"
	"fmt"
	"strings"
)

var (
	// ErrNotFound says that there is no item of that name.
	ErrNotFound = errors.New("no such item")

	// ErrWrongPassphrase says that the passphrase given does not open the keystore's items.
	ErrWrongPassphrase = errors.New("wrong passphrase")

	// ErrLocked is found in every *LockedError.
	ErrLocked = errors.New("locked")
)

// EmptyPassphraseError reports that the items of a file keystore are, or would be, sealed under an
// empty passphrase: everyone who can read the files can then read what is in them.
type EmptyPassphraseError struct {
	Dir string
	New bool // nothing is sealed there yet
}

func (e *EmptyPassphraseError) Error() string {
	if e.New {
		return fmt.Sprintf("the passphrase for %s is empty, expected one that protects the keys", e.Dir)
	}
	return fmt.Sprintf("the keys in %s are sealed under an empty passphrase, so everyone who can read the files can read the keys", e.Dir)
}

// LockedError says that a keystore is there, but was not opened to us: its user dismissed the
// question, or it asked none. Using another keystore instead would hide the user's keys.
type LockedError struct {
	Backend string
	Reason  string // "the prompt was dismissed"
}

func (e *LockedError) Error() string { return fmt.Sprintf("%s is locked: %s", e.Backend, e.Reason) }

// Is makes errors.Is(err, ErrLocked) hold.
func (e *LockedError) Is(target error) bool { return target == ErrLocked }

// UnavailableError says that a keystore cannot exist here, and why.
type UnavailableError struct {
	Backend string
	Reason  string
}

func (e *UnavailableError) Error() string {
	return fmt.Sprintf("keystore %q is not available: %s", e.Backend, e.Reason)
}

// DamagedError says that the item Name in Where (a directory, a collection) is not what this
// program or aws-vault 7 writes there, or not all of it.
type DamagedError struct {
	Name, Where string
	Err         error
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("damaged item %q in %s: %v", e.Name, e.Where, e.Err)
}

func (e *DamagedError) Unwrap() error { return e.Err }

// DuplicateError is returned for a name under which a keystore holds several items with different
// contents. Item opens one of them, and Remove removes all.
type DuplicateError struct {
	Name, Where string
	Items       int
}

func (e *DuplicateError) Error() string {
	return fmt.Sprintf("%s holds %d different items called %q, expected one", e.Where, e.Items, e.Name)
}

// NameError says that no item can have this name.
type NameError struct {
	Name   string
	Reason string
}

func (e *NameError) Error() string { return fmt.Sprintf("item name %q: %s", e.Name, e.Reason) }

// SkippedBackend is a keystore that was passed over, and why.
type SkippedBackend struct {
	Backend string
	Err     error
}

// NoKeystoreError says that no keystore can exist here.
type NoKeystoreError struct{ Skipped []SkippedBackend }

func (e *NoKeystoreError) Error() string {
	reasons := make([]string, len(e.Skipped))
	for i, t := range e.Skipped {
		reasons[i] = t.Err.Error()
	}
	return "no keystore works here: " + strings.Join(reasons, "; ")
}

// Unwrap returns the errors of all that were tried.
func (e *NoKeystoreError) Unwrap() []error {
	errs := make([]error, len(e.Skipped))
	for i, t := range e.Skipped {
		errs[i] = t.Err
	}
	return errs
}
