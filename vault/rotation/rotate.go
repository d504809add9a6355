// Package rotation replaces an access key at AWS and in the keystore. A rotation can be interrupted
// at any point: the next run finishes it or puts the old key back.
package rotation

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"aws-vault/vault"
	"aws-vault/vault/plan"
	"aws-vault/vault/printable"
	"aws-vault/vault/store"
)

// A Rotation replaces a stored key with a new key. The first step of the plan names the stored key. The process can
// be killed at any point: the stored key always works, and the next rotation of that key finishes or undoes this
// rotation.
type Rotation struct {
	Vault    *vault.Vault
	Journals *store.Journals
	Locks    *store.Locks
	Plan     plan.Plan // plan that was made for the purpose plan.Rotate
	Options  plan.Options
	KeepOld  bool                 // whether to deactivate the old key at AWS without deleting it
	Progress func(message string) // reports progress to the user

	// ConfirmDelete asks the user whether to delete an access key, because AWS allows no further key. The parameter
	// key is the key to delete. ConfirmDelete is nil if the user cannot be prompted.
	ConfirmDelete func(ctx context.Context, q *QuotaError, key KeyUse) (bool, error)
}

// name returns the name that the key is stored under.
func (r *Rotation) name() string { return r.Plan.Steps[0].Profile }

func (r *Rotation) progress(format string, args ...any) { r.Progress(fmt.Sprintf(format, args...)) }

// UnfinishedError reports that a rotation stopped before its end. The stored key still works.
type UnfinishedError struct {
	Name string // name of the key
	Err  error
}

func (e *UnfinishedError) Error() string {
	return fmt.Sprintf("the rotation of key %s is not finished: %v", printable.Quote(e.Name), e.Err)
}

// Unwrap returns the error that stopped the rotation.
func (e *UnfinishedError) Unwrap() error { return e.Err }

// NoJournalError reports that there is no interrupted rotation to resume or undo.
type NoJournalError struct{ Name string }

func (e *NoJournalError) Error() string {
	return fmt.Sprintf("no rotation of key %s was interrupted", printable.Quote(e.Name))
}

// Run rotates the key. If an earlier rotation was interrupted, Run first finishes or undoes that rotation. If it
// finishes the earlier rotation with a new key, Run does not rotate again.
//
// Run returns a [*QuotaError], a [*vault.NotUserError], a [*KeyReplacedError], a [*NewKeyDeletedError], a
// [*store.JournalError], or an error of the keystore or of AWS. If the rotation is left unfinished, Run wraps the
// error in an [*UnfinishedError].
func (r *Rotation) Run(ctx context.Context) error {
	return r.withLock(ctx, func(ctx context.Context, run *run) error {
		if run.journal.open {
			r.progress("Finishing an interrupted rotation")
			if done, err := run.finish(ctx); err != nil || done {
				return err
			}
		}
		return run.rotate(ctx)
	})
}

// Resume continues an interrupted rotation. It returns a [*NoJournalError] if there is none.
func (r *Rotation) Resume(ctx context.Context) error {
	return r.withLock(ctx, func(ctx context.Context, run *run) error {
		if !run.journal.open {
			return &NoJournalError{Name: r.name()}
		}
		undone := run.journal.entry.Undo
		done, err := run.finish(ctx)
		if err != nil || done || undone {
			return err
		}
		return run.rotate(ctx)
	})
}

// Undo puts the old key of an interrupted rotation back and deletes the new key. It returns a [*NoJournalError]
// if no rotation was interrupted, and an [*OldKeyDeletedError] if the old key is already deleted. If the journal is
// damaged or belongs to another key, Undo only removes the journal, because the stored key works without it.
func (r *Rotation) Undo(ctx context.Context) error {
	err := r.withLock(ctx, func(ctx context.Context, run *run) error {
		if !run.journal.open {
			return &NoJournalError{Name: r.name()}
		}
		return run.undo(ctx)
	})
	var damaged *store.JournalError
	var replaced *KeyReplacedError
	if errors.As(err, &damaged) || errors.As(err, &replaced) {
		r.progress("Discarding the record of an interrupted rotation: %v", err)
		return r.Journals.Remove(ctx, r.name())
	}
	return err
}

// LockName is the name of the lock that a rotation holds. Commands that change stored keys in other ways hold it
// too.
const LockName = "rotate"

// withLock acquires the rotation lock, begins a run and calls act with that run.
func (r *Rotation) withLock(ctx context.Context, act func(context.Context, *run) error) error {
	ctx, lock, err := r.Locks.Named(ctx, LockName, "the rotation of key "+r.name())
	if err != nil {
		return err
	}
	defer lock.Close()
	j, err := r.findJournal(ctx)
	if err != nil {
		return err
	}
	run, err := r.begin(ctx, j)
	if err == nil {
		err = act(ctx, run)
	}
	if err != nil && j.open {
		return &UnfinishedError{Name: r.name(), Err: err}
	}
	return err
}

// Mask shows only the last four characters of an access key ID. It returns an empty string for an empty ID.
func Mask(id string) string {
	if id == "" {
		return ""
	}
	return strings.Repeat("*", 16) + id[max(0, len(id)-4):]
}
