package rotation

import (
	"context"
	"fmt"

	"aws-vault/vault/store"
)

// finish completes or undoes an interrupted rotation. If the journal has no new key, finish deletes lost keys and
// closes the journal. The result done reports whether a new key is now stored.
func (r *run) finish(ctx context.Context) (done bool, err error) {
	j := &r.journal.entry
	switch {
	case j.Undo:
		return false, r.undo(ctx)
	case j.New.AccessKeyID != "":
		j.KeepOld = j.KeepOld || r.rotation.KeepOld
		return r.complete(ctx)
	}
	if err := r.deleteLostKeys(ctx); err != nil {
		return false, err
	}
	return false, r.journal.close(ctx)
}

// rotate creates a new key and replaces the old key with the new key.
func (r *run) rotate(ctx context.Context) error {
	j := &r.journal.entry
	session := "using master credentials"
	if r.rotation.usesSession() {
		session = fmt.Sprintf("using a session from profile '%s'", r.rotation.Plan.Profile)
	}
	r.rotation.progress("Rotating credentials stored for profile '%s' %s (takes 10-20 seconds)", r.rotation.name(), session)
	listed, err := r.user.list(ctx)
	if err != nil {
		return err
	}
	keys, err := r.makeRoom(ctx, listed.keys)
	if err != nil {
		return err
	}
	*j = store.Rotation{Name: r.rotation.name(), User: r.user.keys.User, Account: r.user.caller.Account, Old: r.stored, KeepOld: r.rotation.KeepOld}
	for _, k := range keys {
		j.Before = append(j.Before, k.ID)
	}
	if err := r.create(ctx); err != nil {
		return err
	}
	done, err := r.complete(ctx)
	if err == nil && !done {
		err = &NewKeyDeletedError{Name: r.rotation.name(), Key: Mask(j.New.AccessKeyID)}
	}
	return err
}

// complete replaces the old key with the new key that is in the journal. After an interruption at any point, it
// can be called again. The result done is false if the new key was deleted at AWS and the old key is still in use.
func (r *run) complete(ctx context.Context) (done bool, err error) {
	j := &r.journal.entry
	if err := r.user.waitUntilKnown(ctx, j.New); err != nil {
		if isUnknownKey(err) {
			return r.revertIfDeleted(ctx, err)
		}
		return false, err
	}
	if !sameInJournal(r.stored, j.New) {
		if err := r.rotation.Vault.Keys.PutVerified(ctx, r.rotation.name(), j.New); err != nil {
			return false, err // return before the old key is deleted
		}
		r.stored = j.New
	}
	r.user.signWith(j.New)
	if err := r.retireOldKey(ctx); err != nil {
		return false, err
	}
	if err := r.removeSessions(ctx); err != nil {
		return false, err
	}
	if err := r.journal.close(ctx); err != nil {
		return false, err
	}
	r.rotation.progress("Finished rotating access key")
	return true, nil
}

// retireOldKey deactivates the old key and then deletes it. If KeepOld is set, it only deactivates the old key. If the
// user lacks the permission to deactivate keys, retireOldKey deletes the key without deactivating it first. After an
// interruption at any point, it can be called again.
func (r *run) retireOldKey(ctx context.Context) error {
	j := &r.journal.entry
	id := j.Old.AccessKeyID
	switch err := r.user.retryUntilKnown(ctx, func() error { return r.user.keys.SetActive(ctx, id, false) }); {
	case err == nil:
		r.rotation.progress("Deactivated old access key %s", Mask(id))
	case isDeleted(err):
		return nil
	case isDenied(err) && !j.KeepOld: // the user may still have the permission to delete the key
	default:
		return err
	}
	if j.KeepOld {
		return nil
	}
	r.rotation.progress("Deleting old access key %s", Mask(id))
	if err := r.user.retryUntilKnown(ctx, func() error { return r.user.keys.Delete(ctx, id) }); err != nil && !isDeleted(err) {
		return err
	}
	r.rotation.progress("Deleted old access key %s", Mask(id))
	return nil
}

// removeSessions removes the cached sessions that were created with the key.
func (r *run) removeSessions(ctx context.Context) error {
	n, warnings, err := r.rotation.Vault.Sessions.Remove(ctx, func(e store.Entry) bool { return e.Root == r.rotation.name() || e.Profile == r.rotation.name() })
	for _, w := range warnings {
		r.rotation.Vault.Warn(w)
	}
	switch {
	case n == 1:
		r.rotation.progress("Deleted 1 session for %s", r.rotation.name())
	case n > 1:
		r.rotation.progress("Deleted %d sessions for %s", n, r.rotation.name())
	}
	return err
}
