package sealed

import (
	"errors"
	"fmt"

	"aws-vault/vault/printable"
)

var (
	// ErrNoStore reports that a directory contains no store.
	ErrNoStore = errors.New("no sealed store found")

	// ErrNoItem reports that a store has no item of the requested kind and name.
	ErrNoItem = errors.New("no such item")

	// ErrExists reports that a directory already contains a store.
	ErrExists = errors.New("a sealed store already exists")

	// ErrNoOpener reports that none of the store's openers is available.
	ErrNoOpener = errors.New("no opener is available")

	// ErrUnknownOpener reports that the store has no opener of the given name.
	ErrUnknownOpener = errors.New("the store has no opener of that name")

	// ErrLastOpener reports that an operation would remove the last opener of the store.
	ErrLastOpener = errors.New("the last opener cannot be removed")

	// ErrWrongPassphrase reports that the passphrase decrypts no identity file of the store.
	ErrWrongPassphrase = errors.New("wrong passphrase")

	// ErrAbsent reports that an opener is not available. [UnlockOptions].Card returns it if a card is not
	// connected.
	ErrAbsent = errors.New("not connected")

	// ErrForged reports a header that was not written with the store's master key.
	ErrForged = errors.New("the header was not written with the store's key")

	// ErrNoHardwareOpener reports that an item needs a touch but the store has no hardware opener.
	ErrNoHardwareOpener = errors.New("the store has no hardware opener")
)

// DamagedError reports a file of a store that is incomplete or was changed.
type DamagedError struct {
	Path string
	Err  error
}

func (e *DamagedError) Error() string { return fmt.Sprintf("%s: damaged: %v", e.Path, e.Err) }

// Unwrap returns the cause.
func (e *DamagedError) Unwrap() error { return e.Err }

// OpenerError reports that the opener called Name is not valid or cannot be used.
type OpenerError struct {
	Name string
	Err  error
}

func (e *OpenerError) Error() string {
	return fmt.Sprintf("opener %s: %v", printable.Quote(e.Name), e.Err)
}

// Unwrap returns the cause.
func (e *OpenerError) Unwrap() error { return e.Err }

var (
	errChecksum    = errors.New("the checksum does not match the content")
	errNotHeader   = errors.New("the file is not a header in the expected format")
	errKeyMismatch = errors.New("the key in the envelope does not match the header's key ID")
)
