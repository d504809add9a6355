package rotation

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"aws-vault/vault/awsapi"
	"aws-vault/vault/store"
)

// maxKeys is how many access keys AWS allows a user.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const maxKeys = 2

// A KeyUse is an access key with what tells whether it is still needed.
type KeyUse struct {
	awsapi.AccessKey
	Stored  bool      // it is the one that the vault holds
	Used    time.Time // when it was last used; zero for never
	Service string    // what it was used for
	Unknown bool      // AWS would not say when it was last used
}

// String shows the key by its last four characters.
func (k KeyUse) String() string {
	facts := []string{"active", "made " + k.Created.UTC().Format(time.DateOnly)}
	if !k.Active {
		facts[0] = "inactive"
	}
	if k.Stored {
		facts = append(facts, "the stored one")
	}
	switch {
	case k.Unknown:
		facts = append(facts, "last use unknown")
	case k.Used.IsZero():
		facts = append(facts, "never used")
	default:
		facts = append(facts, fmt.Sprintf("last used %s for %s", k.Used.UTC().Format(time.DateOnly), k.Service))
	}
	return Mask(k.ID) + " (" + strings.Join(facts, ", ") + ")"
}

// QuotaError is returned where the user has as many keys as AWS allows, so that there is no
// room for a new one.
type QuotaError struct {
	Name string // rotation the key to be rotated
	User string
	Keys []KeyUse
	Now  time.Time // by AWS's clock, for their ages
}

func (e *QuotaError) Error() string {
	var keys []string
	for _, k := range e.Keys {
		keys = append(keys, k.String())
	}
	return fmt.Sprintf("user %s has %d access keys, and AWS allows %d: %s", e.User, len(e.Keys), maxKeys, strings.Join(keys, ", "))
}

// quotaError says why there is no room for a new key.
func (r *run) quotaError(ctx context.Context, listed []awsapi.AccessKey) *QuotaError {
	e := &QuotaError{Name: r.rotation.name(), User: r.user.keys.User, Now: r.user.now()}
	for _, k := range listed {
		e.Keys = append(e.Keys, r.useOf(ctx, k))
	}
	return e
}

func (r *run) useOf(ctx context.Context, k awsapi.AccessKey) KeyUse {
	use := KeyUse{AccessKey: k, Stored: k.ID == r.stored.AccessKeyID}
	var err error
	use.Used, use.Service, err = r.user.keys.LastUsed(ctx, k.ID)
	use.Unknown = err != nil // the right to ask that is one of its own
	return use
}

// makeRoom returns the user's keys once there is room for another. The one in the way goes
// only if a person says so.
func (r *run) makeRoom(ctx context.Context, listed []awsapi.AccessKey) ([]awsapi.AccessKey, error) {
	if len(listed) < maxKeys {
		return listed, nil
	}
	full := r.quotaError(ctx, listed)
	others := slices.DeleteFunc(slices.Clone(full.Keys), func(k KeyUse) bool { return k.Stored })
	if r.rotation.ConfirmDelete == nil || len(others) != 1 {
		return nil, full
	}
	yes, err := r.rotation.ConfirmDelete(ctx, full, others[0])
	if err != nil {
		return nil, err
	}
	if !yes {
		return nil, full
	}
	if err := r.user.keys.Delete(ctx, others[0].ID); err != nil && !isDeleted(err) {
		return nil, err
	}
	r.rotation.progress("Deleted access key %s", Mask(others[0].ID))
	return slices.DeleteFunc(listed, func(k awsapi.AccessKey) bool { return k.ID == others[0].ID }), nil
}

// deleteLostKeys deletes the key that AWS made for an answer which never came: its secret is lost,
// so nobody can want it. Any other key stays, and is asked about if it leaves no room.
func (r *run) deleteLostKeys(ctx context.Context) error {
	listed, err := r.user.list(ctx)
	if err != nil {
		return err
	}
	for _, k := range listed {
		if !mayBeLostKey(k, r.journal.entry) {
			continue
		}
		if use := r.useOf(ctx, k); use.Unknown || !use.Used.IsZero() {
			continue // somebody has its secret, or may have
		}
		if err := r.user.keys.Delete(ctx, k.ID); err != nil && !isDeleted(err) {
			return err
		}
		r.rotation.progress("Deleted access key %s, which AWS made without its secret having arrived", Mask(k.ID))
	}
	return nil
}

// mayBeLostKey reports whether a key, unless it was used, can only be the one that AWS made
// for the journal's unanswered call: it was not there before, and dates from that time.
func mayBeLostKey(k awsapi.AccessKey, j store.Rotation) bool {
	return !slices.Contains(j.Before, k.ID) && k.ID != j.Old.AccessKeyID && k.ID != j.New.AccessKeyID &&
		!k.Created.Before(j.From.Truncate(time.Second)) && !k.Created.After(j.Until)
}
