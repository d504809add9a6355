package rotation

import (
	"context"
	"fmt"

	"aws-vault/vault/awsapi"
)

// KeyReplacedError is returned for a journal that is about other keys than the one stored:
// somebody has stored another since.
type KeyReplacedError struct {
	Name string
	Key  string // the new key of the journal, masked; empty if it has none
}

func (e *KeyReplacedError) Error() string {
	what := "one that nobody knows"
	if e.Key != "" {
		what = e.Key
	}
	return fmt.Sprintf("key %q was replaced by hand after a rotation of it had begun, which may have left an access key at AWS: %s", e.Name, what)
}

// OldKeyDeletedError is returned for a rotation that cannot be undone any more.
type OldKeyDeletedError struct{ Name, Key string }

func (e *OldKeyDeletedError) Error() string {
	return fmt.Sprintf("the old access key %s of %q is deleted at AWS, want one that can be put back", e.Key, e.Name)
}

// NewKeyDeletedError is returned where somebody else has deleted the new key. The old one is
// in its place.
type NewKeyDeletedError struct{ Name, Key string }

func (e *NewKeyDeletedError) Error() string {
	return fmt.Sprintf("the new access key %s of %q was deleted at AWS, and the old one is back in its place", e.Key, e.Name)
}

// undo puts the old key back. Like complete, it takes up the work wherever it was left.
func (r *run) undo(ctx context.Context) error {
	j := &r.journal.entry
	r.rotation.progress("Undoing a rotation that was interrupted")
	if j.New.AccessKeyID == "" {
		if err := r.deleteLostKeys(ctx); err != nil {
			return err
		}
		return r.journal.close(ctx)
	}
	listed, err := r.user.list(ctx)
	if err != nil {
		return err
	}
	if _, ok := find(listed, j.Old.AccessKeyID); !ok {
		return &OldKeyDeletedError{Name: r.rotation.name(), Key: Mask(j.Old.AccessKeyID)}
	}
	if !j.Undo {
		j.Undo = true
		if err := r.journal.write(ctx); err != nil {
			return err
		}
	}
	if err := r.restoreOldKey(ctx, listed); err != nil {
		return err
	}
	if _, ok := find(listed, j.New.AccessKeyID); ok {
		if err := r.user.retryUntilKnown(ctx, func() error { return r.user.keys.Delete(ctx, j.New.AccessKeyID) }); err != nil && !isDeleted(err) {
			return err
		}
		r.rotation.progress("Deleted new access key %s", Mask(j.New.AccessKeyID))
	}
	if err := r.removeSessions(ctx); err != nil {
		return err
	}
	if err := r.journal.close(ctx); err != nil {
		return err
	}
	r.rotation.progress("The old access key %s is back in its place", Mask(j.Old.AccessKeyID))
	return nil
}

// restoreOldKey makes the old key work, and stores it.
func (r *run) restoreOldKey(ctx context.Context, listed []awsapi.AccessKey) error {
	j := &r.journal.entry
	id := j.Old.AccessKeyID
	if old, _ := find(listed, id); !old.Active {
		if err := r.user.retryUntilKnown(ctx, func() error { return r.user.keys.SetActive(ctx, id, true) }); err != nil {
			return err
		}
		r.rotation.progress("Activated old access key %s", Mask(id))
	}
	if err := r.user.waitUntilKnown(ctx, j.Old); err != nil {
		return err
	}
	if !sameInJournal(r.stored, j.Old) {
		if err := r.rotation.Vault.Keys.PutVerified(ctx, r.rotation.name(), j.Old); err != nil {
			return err // before the new key goes
		}
		r.stored = j.Old
	}
	r.user.signWith(j.Old)
	return nil
}

// revertIfDeleted goes back to the old key where AWS knows the new one no more, which its list tells
// from one that it only does not know yet.
func (r *run) revertIfDeleted(ctx context.Context, unknown error) (bool, error) {
	j := &r.journal.entry
	listed, err := r.user.list(ctx)
	if err != nil {
		return false, err
	}
	if _, ok := find(listed, j.New.AccessKeyID); ok {
		return false, unknown
	}
	if _, ok := find(listed, j.Old.AccessKeyID); !ok {
		return false, unknown
	}
	if err := r.restoreOldKey(ctx, listed); err != nil {
		return false, err
	}
	r.rotation.progress("The new access key %s is gone from AWS, and the old one stays in its place", Mask(j.New.AccessKeyID))
	return false, r.journal.close(ctx)
}
