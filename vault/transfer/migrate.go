// Package transfer copies access keys from a keystore or a file into another keystore, and deletes
// the original only after the copy was read back.
package transfer

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/vault/keystore"
	"aws-vault/vault/store"
)

// A Migration copies keys from one keystore to another, one at a time. It can be stopped
// at any instruction and begun again: at each moment at least one of the two holds every
// key whole.
type Migration struct {
	From, To  *store.Keys
	Overwrite bool // replace another key that is there under the same name
	Delete    bool // delete each key from where it was, once it was read back from where it is
}

// Moved says what became of one key.
type Moved struct {
	Outcome Outcome
	Deleted bool // it is no longer where it was
}

// An Outcome is what a migration did to the keystore that it copies to.
type Outcome int

// The outcomes for one key.
const (
	Copied      Outcome = iota
	Overwritten         // another key was there
	AlreadyStored
	NotOverwritten // another key is there
)

// MoveError says that a key was not moved, or not deleted, and stands where it was.
type MoveError struct {
	Name string
	Err  error
}

func (e *MoveError) Error() string { return fmt.Sprintf("key %q: %v", e.Name, e.Err) }

// Unwrap returns what went wrong.
func (e *MoveError) Unwrap() error { return e.Err }

var errChanged = errors.New("it was replaced by another key while it was copied")

// Move copies the key of that name, reads it back and compares. Any error is a
// [*MoveError], and then nothing was deleted.
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
		return Moved{}, err // all of them would be deleted, and one was copied
	}
	// Looked at again: whoever replaced the key meanwhile did not mean to have it deleted.
	again, err := m.From.Key(ctx, name)
	if err != nil {
		return Moved{}, err
	}
	if !store.SameKey(again, key) {
		return Moved{}, errChanged
	}
	return Moved{Outcome: outcome, Deleted: true}, m.From.Remove(ctx, name)
}

// decide says what is to be done with a key, given what lies where it is to go. What
// cannot be read there may be another key, so it is replaced only if that was asked for.
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
