package rotation

import (
	"context"
	"fmt"

	"aws-vault/vault/printable"
)

// KeyReplacedError reports that the stored key is not one of the two keys in the journal. The user has stored a
// different key since the rotation began.
type KeyReplacedError struct {
	Name string
	Key  string // masked ID of the new key in the journal; empty if there is none
}

func (e *KeyReplacedError) Error() string {
	what := "an access key"
	if e.Key != "" {
		what = "access key " + e.Key
	}
	return fmt.Sprintf("key %s was replaced while a rotation was unfinished; that rotation may have left %s at AWS", printable.Quote(e.Name), what)
}

// OldKeyDeletedError reports that a rotation cannot be undone, because AWS does not accept the old key.
type OldKeyDeletedError struct{ Name, Key string }

func (e *OldKeyDeletedError) Error() string {
	return fmt.Sprintf("the rotation of key %s cannot be undone: AWS does not accept its old access key %s", printable.Quote(e.Name), e.Key)
}

// NewKeyDeletedError reports that the new key was deleted at AWS during the rotation. The old key is stored
// again.
type NewKeyDeletedError struct{ Name, Key string }

func (e *NewKeyDeletedError) Error() string {
	return fmt.Sprintf("the new access key %s of %s was deleted at AWS, so the old key is in use again", e.Key, printable.Quote(e.Name))
}

// undo puts the old key back. After an interruption at any point, it can be called again.
func (r *run) undo(ctx context.Context) error {
	j := &r.journal.entry
	r.rotation.progress("Undoing an interrupted rotation")
	if j.New.AccessKeyID == "" {
		if err := r.deleteLostKeys(ctx); err != nil {
			return err
		}
		return r.journal.close(ctx)
	}
	if err := r.activateOldKey(ctx); err != nil {
		return err
	}
	if !j.Undo {
		j.Undo = true
		if err := r.journal.write(ctx); err != nil {
			return err
		}
	}
	if err := r.storeOldKey(ctx); err != nil {
		return err
	}
	switch err := r.user.retryUntilKnown(ctx, func() error { return r.user.keys.Delete(ctx, j.New.AccessKeyID) }); {
	case err == nil:
		r.rotation.progress("Deleted new access key %s", Mask(j.New.AccessKeyID))
	case !isDeleted(err):
		return err
	}
	if err := r.removeSessions(ctx); err != nil {
		return err
	}
	if err := r.journal.close(ctx); err != nil {
		return err
	}
	r.rotation.progress("The old access key %s is in use again", Mask(j.Old.AccessKeyID))
	return nil
}

// activateOldKey activates the old key at AWS, and waits until AWS accepts it. It returns an [*OldKeyDeletedError] if
// AWS does not accept it.
func (r *run) activateOldKey(ctx context.Context) error {
	id := r.journal.entry.Old.AccessKeyID
	switch err := r.user.retryUntilKnown(ctx, func() error { return r.user.keys.SetActive(ctx, id, true) }); {
	case err == nil:
		r.rotation.progress("Activated old access key %s", Mask(id))
	case isDeleted(err):
		return &OldKeyDeletedError{Name: r.rotation.name(), Key: Mask(id)}
	case !isDenied(err):
		return err
	}
	// A user who may not activate keys could not deactivate the old key either, so the key works unless it is deleted.
	err := r.user.waitUntilKnown(ctx, r.journal.entry.Old)
	if isUnknownKey(err) {
		return &OldKeyDeletedError{Name: r.rotation.name(), Key: Mask(id)}
	}
	return err
}

// storeOldKey stores the old key, and signs all further calls with it.
func (r *run) storeOldKey(ctx context.Context) error {
	j := &r.journal.entry
	if !sameInJournal(r.stored, j.Old) {
		if err := r.rotation.Vault.Keys.PutVerified(ctx, r.rotation.name(), j.Old); err != nil {
			return err // return before the new key is deleted
		}
		r.stored = j.Old
	}
	r.user.signWith(j.Old)
	return nil
}

// revertIfDeleted restores the old key if the new key was deleted at AWS. The parameter unknown is the error with which
// AWS refused the new key. revertIfDeleted returns this error in three cases: AWS still lists the new key, so only some
// of AWS's servers do not know the key yet; the old key was deleted too; the user may not list the keys.
func (r *run) revertIfDeleted(ctx context.Context, unknown error) (bool, error) {
	j := &r.journal.entry
	listed, err := r.user.list(ctx)
	if err != nil {
		return false, err
	}
	if listed.has(j.New.AccessKeyID) || !listed.has(j.Old.AccessKeyID) {
		return false, unknown
	}
	if err := r.activateOldKey(ctx); err != nil {
		return false, err
	}
	if err := r.storeOldKey(ctx); err != nil {
		return false, err
	}
	r.rotation.progress("The new access key %s was deleted at AWS, so the old key stays in use", Mask(j.New.AccessKeyID))
	return false, r.journal.close(ctx)
}
