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
	"aws-vault/vault/store"
)

// A Rotation says which stored key is to be replaced by a new one: the one at the root of a plan. It
// can be killed at any instruction: the key that is stored works at each, and the next rotation of
// the same key finishes what this one began, or undoes it.
type Rotation struct {
	Vault    *vault.Vault
	Journals *store.Journals
	Locks    *store.Locks
	Plan     plan.Plan // made for plan.Rotate
	Options  plan.Options
	KeepOld  bool                 // leave the old key at AWS, inactive
	Progress func(message string) // how far it has come

	// ConfirmDelete asks a person whether the key may be deleted that leaves no room for a new one;
	// nil where nobody can be asked.
	ConfirmDelete func(ctx context.Context, q *QuotaError, spare KeyUse) (bool, error)
}

// name is what the key is stored under.
func (r *Rotation) name() string { return r.Plan.Steps[0].Profile }

func (r *Rotation) progress(format string, args ...any) { r.Progress(fmt.Sprintf(format, args...)) }

// UnfinishedError is returned for a rotation that stopped on its way. The stored key works.
type UnfinishedError struct {
	Name string // rotation the key
	Err  error
}

func (e *UnfinishedError) Error() string {
	return fmt.Sprintf("the rotation of key %q is not finished: %v", e.Name, e.Err)
}

// Unwrap returns what stopped it.
func (e *UnfinishedError) Unwrap() error { return e.Err }

// NoJournalError is returned where there is nothing to resume or to undo.
type NoJournalError struct{ Name string }

func (e *NoJournalError) Error() string {
	return fmt.Sprintf("no rotation of key %q was interrupted", e.Name)
}

// Run rotates the key, after it has finished or undone a rotation that was interrupted; one
// that only had to be finished is rotation enough. Errors are those of the keystore and of
// the calls to AWS, a [*QuotaError], a [*vault.NotUserError], a [*KeyReplacedError] or a
// [*store.JournalError], within an [*UnfinishedError] if the next run has something to finish.
func (r *Rotation) Run(ctx context.Context) error {
	return r.withLock(ctx, func(ctx context.Context, run *run) error {
		if run.journal.open {
			r.progress("Finishing a rotation that was interrupted")
			if done, err := run.finish(ctx); err != nil || done {
				return err
			}
		}
		return run.rotate(ctx)
	})
}

// Resume goes on with an interrupted rotation, or returns a [*NoJournalError].
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

// Undo puts the old key of an interrupted rotation back and deletes the new one. It returns
// a [*NoJournalError] if there is none, and an [*OldKeyDeletedError] if it is too late. A
// journal that cannot be read, or is of another key, is forgotten: the stored key works all
// the same.
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
		r.progress("Forgetting a rotation that nothing can be done about: %v", err)
		return r.Journals.Remove(ctx, r.name())
	}
	return err
}

// withLock begins a run under a lock, and does act with it.
func (r *Rotation) withLock(ctx context.Context, act func(context.Context, *run) error) error {
	ctx, lock, err := r.Locks.Named(ctx, "rotate", "the rotation of key "+r.name())
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

// Mask shows the last four characters of a key's id, and nothing of none.
func Mask(id string) string {
	if id == "" {
		return ""
	}
	return strings.Repeat("*", 16) + id[max(0, len(id)-4):]
}
