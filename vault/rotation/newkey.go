package rotation

import (
	"context"
	"errors"
	"fmt"
	"time"

	"aws-vault/vault/awsapi"
)

// createTries is how often a new key is asked for where answers are lost.
const createTries = 3

// create asks AWS for a new key, and writes both before and after what it would take to
// clean up. When it returns, the journal has the new key.
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
		r.rotation.progress("The answer was lost (%v): looking whether AWS made a key", err)
		if err := r.deleteLostKeys(ctx); err != nil {
			return err
		}
	}
}

// clockSlack is how far apart the clocks of AWS's own services may be.
const clockSlack = 5 * time.Second

// createRefused closes the journal of a key that AWS refused to make. Where an earlier answer was
// lost, a full quota may come of the key that it made.
func (r *run) createRefused(ctx context.Context, refusal error, try int) error {
	var api *awsapi.APIError
	full := errors.As(refusal, &api) && api.Code == "LimitExceeded"
	if full && try > 1 {
		return refusal
	}
	if err := r.journal.close(ctx); err != nil {
		return errors.Join(refusal, err)
	}
	if !full {
		return refusal
	}
	listed, err := r.user.list(ctx)
	if err != nil {
		return refusal
	}
	return r.quotaError(ctx, listed)
}

// storeNewKey keeps the new key's secret, which nobody else has. If that fails, the key is of no
// use to anybody and goes.
func (r *run) storeNewKey(ctx context.Context) error {
	j := &r.journal.entry
	failed := r.journal.write(ctx)
	if failed == nil {
		r.rotation.progress("Created new access key %s", Mask(j.New.AccessKeyID))
		return nil
	}
	ctx = context.WithoutCancel(ctx)
	if err := r.user.keys.Delete(ctx, j.New.AccessKeyID); err != nil {
		return fmt.Errorf("the new access key %s could not be kept: %w; nor could it be deleted: %w", Mask(j.New.AccessKeyID), failed, err)
	}
	r.journal.close(ctx) // what it says is true either way: there is no new key
	return fmt.Errorf("the new access key %s could not be kept and was deleted again: %w", Mask(j.New.AccessKeyID), failed)
}
