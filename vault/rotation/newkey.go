package rotation

import (
	"context"
	"errors"
	"fmt"
	"time"

	"aws-vault/vault/awsapi"
)

// createTries is the maximum number of requests for a new key. A request is repeated only if its response was lost.
const createTries = 3

// create creates a new key at AWS. It writes the journal before and after the call, so that a later run can always
// clean up. When create returns without an error, the journal contains the new key.
func (r *run) create(ctx context.Context) error {
	j := &r.journal.entry
	for try := 1; ; try++ {
		if j.From.IsZero() {
			j.From = r.user.now().Add(-clockSlack)
		}
		j.Until = r.user.now().Add(r.rotation.Vault.Source.AWS.CallTimeout() + clockSlack)
		if err := r.journal.write(ctx); err != nil {
			return err
		}
		r.rotation.progress("Creating a new access key")
		made, err := r.user.keys.Create(ctx)
		if err == nil {
			j.New = made
			return r.storeNewKey(ctx)
		}
		if !awsapi.MayHaveSucceeded(err) {
			return r.createRefused(ctx, err, try)
		}
		if ctx.Err() != nil || try == createTries {
			return err
		}
		r.rotation.progress("No response from AWS (%v). Checking whether AWS created a key", err)
		if err := r.deleteLostKeys(ctx); err != nil {
			return err
		}
	}
}

// clockSlack is the allowed difference between the clocks of AWS's own services.
const clockSlack = 5 * time.Second

// createRefused closes the journal after AWS has refused to create a key. If the quota is full and an earlier
// response was lost, the earlier call may have created the key that fills the quota. The journal then stays open.
func (r *run) createRefused(ctx context.Context, refusal error, try int) error {
	var api *awsapi.APIError
	quotaFull := errors.As(refusal, &api) && api.Code == "LimitExceeded"
	if quotaFull && try > 1 {
		return refusal
	}
	if err := r.journal.close(ctx); err != nil {
		return fmt.Errorf("%w; the record of the rotation could not be removed: %w", refusal, err)
	}
	if !quotaFull {
		return refusal
	}
	listed, err := r.user.list(ctx)
	if err != nil || !listed.known {
		return refusal
	}
	return r.quotaError(ctx, listed.keys)
}

// storeNewKey writes the new key to the journal, which contains the only copy of the key's secret. If the journal
// cannot be written, storeNewKey deletes the key at AWS.
func (r *run) storeNewKey(ctx context.Context) error {
	j := &r.journal.entry
	failed := r.journal.write(ctx)
	if failed == nil {
		r.rotation.progress("Created new access key %s", Mask(j.New.AccessKeyID))
		return nil
	}
	ctx = context.WithoutCancel(ctx)
	if err := r.user.keys.Delete(ctx, j.New.AccessKeyID); err != nil {
		return fmt.Errorf("the new access key %s could not be stored (%w) and could not be deleted at AWS (%w)", Mask(j.New.AccessKeyID), failed, err)
	}
	r.journal.close(ctx) // an error does no harm, because the key in the journal is already deleted
	return fmt.Errorf("the new access key %s could not be stored, so it was deleted: %w", Mask(j.New.AccessKeyID), failed)
}
