package sealed

import (
	"errors"
	"fmt"
)

var (
	// ErrNoStore says that there is no store in a directory.
	ErrNoStore = errors.New("no sealed store")

	// ErrNoItem says that a store has no item of that name.
	ErrNoItem = errors.New("no such item")

	// ErrExists says that there is a store in a directory already.
	ErrExists = errors.New("a sealed store is there already")

	// ErrNoOpener says that none of a store's openers is at hand.
	ErrNoOpener = errors.New("no opener is at hand")

	// ErrUnknownOpener says that no opener of a store has the name that was given.
	ErrUnknownOpener = errors.New("the store has no opener of that name")

	// ErrLastOpener says that nothing would open a store any more.
	ErrLastOpener = errors.New("no opener would be left, want one to stay")

	// ErrWrongPassphrase says that a passphrase opens no identity of the store.
	ErrWrongPassphrase = errors.New("wrong passphrase")

	// ErrAbsent is what [UnlockOptions].Card returns for a card that is not there.
	ErrAbsent = errors.New("not here")

	// ErrForged says that a header was written by someone without the store's key.
	ErrForged = errors.New("it was written by someone without the store's key")

	// ErrNoHardwareOpener says that a store has no hardware opener to touch.
	ErrNoHardwareOpener = errors.New("the store has no hardware opener")
)

// DamagedError says that a file of a store is not what was written there, or not all of it.
type DamagedError struct {
	Path string
	Err  error
}

func (e *DamagedError) Error() string { return fmt.Sprintf("%s: damaged: %v", e.Path, e.Err) }

// Unwrap returns what is wrong with it.
func (e *DamagedError) Unwrap() error { return e.Err }

// OpenerError says that the opener Name cannot be, or cannot be used.
type OpenerError struct {
	Name string
	Err  error
}

func (e *OpenerError) Error() string { return fmt.Sprintf("opener %q: %v", e.Name, e.Err) }

// Unwrap returns why.
func (e *OpenerError) Unwrap() error { return e.Err }

var (
	errChecksum    = errors.New("its checksum is not the one of its content")
	errNotHeader   = errors.New("it is not a header of this format")
	errKeyMismatch = errors.New("its envelope holds another key than it names")
)
