// Package transfer copies access keys from a keystore or a file into another keystore, and deletes
// the original only after the copy was read back.
package transfer

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/vault/keystore"
	"aws-vault/vault/printable"
	"aws-vault/vault/store"
)

// A Migration copies keys from one keystore to another, one at a time. It can be interrupted at any point and
// started again: at every moment, at least one of the two keystores holds the complete key.
type Migration struct {
	From, To  *store.Keys
	Overwrite bool // whether to replace a different key of the same name
	Delete    bool // whether to delete each original after its copy has been read back
}

// Moved is the result of moving one key.
type Moved struct {
	Outcome Outcome
	Deleted bool // whether the original was deleted
}

// An Outcome describes what happened to the key in the target keystore.
type Outcome int

// The outcomes for one key.
const (
	Copied      Outcome = iota
	Overwritten         // a different key was replaced
	AlreadyStored
	NotOverwritten // a different key has this name in the target keystore and was not replaced
)

// MoveError reports that a key was not copied, or that its original was not deleted. In both cases, the original
// is still in its place.
type MoveError struct {
	Name string
	Err  error
}

func (e *MoveError) Error() string { return fmt.Sprintf("key %s: %v", printable.Quote(e.Name), e.Err) }

// Unwrap returns the cause.
func (e *MoveError) Unwrap() error { return e.Err }

var errChanged = errors.New("it was replaced with another key during the copy")

// Move copies the key called name, reads the copy back and compares it. Every error is a [*MoveError], which
// means that the original was not deleted.
func (m Migration) Move(ctx context.Context, name string) (Moved, error) {
	result, err := m.move(ctx, name)
	if err != nil {
		return Moved{}, &MoveError{name, err}
	}
	return result, nil
}

func (m Migration) move(ctx context.Context, name string) (Moved, error) {
	key, err := m.From.Key(ctx, name)
	if err != nil {
		return Moved{}, err
	}
	outcome, err := m.decide(ctx, name, key)
	if err != nil {
		return Moved{}, err
	}
	if outcome == Copied || outcome == Overwritten {
		if err := m.To.PutVerified(ctx, name, key); err != nil {
			return Moved{}, err
		}
	}
	if !m.Delete || outcome == NotOverwritten {
		return Moved{Outcome: outcome}, nil
	}
	if err := keystore.CheckUnique(ctx, m.From.Ring, name); err != nil {
		return Moved{}, err // Remove would delete all items of this name, and only one of them was copied
	}
	// Read the original again. If another process replaced it during the copy, the new key must not be deleted.
	again, err := m.From.Key(ctx, name)
	if err != nil {
		return Moved{}, err
	}
	if !store.SameKey(again, key) {
		return Moved{}, errChanged
	}
	return Moved{Outcome: outcome, Deleted: true}, m.From.Remove(ctx, name)
}

// decide returns what to do with a key, depending on the item of the same name in the target keystore. An
// unreadable item may be another key, so decide replaces it only if m.Overwrite is set.
func (m Migration) decide(ctx context.Context, name string, key aws.Credentials) (Outcome, error) {
	stored, err := m.To.Key(ctx, name)
	var damaged *store.DamagedError
	switch {
	case errors.Is(err, store.ErrNoKey):
		return Copied, nil
	case errors.As(err, &damaged) && m.Overwrite:
		return Overwritten, nil
	case err != nil:
		return 0, err
	case store.SameKey(stored, key):
		return AlreadyStored, nil
	case m.Overwrite:
		return Overwritten, nil
	}
	return NotOverwritten, nil
}
