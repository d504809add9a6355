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

// maxKeys is the number of access keys that AWS allows per user.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const maxKeys = 2

// A KeyUse is an access key with facts that show whether the key is still needed.
type KeyUse struct {
	awsapi.AccessKey
	Stored  bool      // whether this key is in the keystore
	Used    time.Time // time of last use; zero if the key was never used
	Service string    // the AWS service of the last use
	Unknown bool      // whether AWS did not report the last use
}

// String shows only the last four characters of the key ID.
func (k KeyUse) String() string {
	facts := []string{"active", "created " + k.Created.UTC().Format(time.DateOnly)}
	if !k.Active {
		facts[0] = "inactive"
	}
	if k.Stored {
		facts = append(facts, "in the keystore")
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

// QuotaError reports that the user already has as many keys as AWS allows, so no new key can be created.
type QuotaError struct {
	Name string // name of the key to rotate
	User string
	Keys []KeyUse
	Now  time.Time // current time by AWS's clock, from which the ages of the keys are computed
}

func (e *QuotaError) Error() string {
	var keys []string
	for _, k := range e.Keys {
		keys = append(keys, k.String())
	}
	return fmt.Sprintf("user %s has %d access keys, and AWS allows %d: %s", e.User, len(e.Keys), maxKeys, strings.Join(keys, ", "))
}

// quotaError returns the error for a user who already has the listed keys.
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
	use.Unknown = err != nil // the user may lack the permission iam:GetAccessKeyLastUsed
	return use
}

// makeRoom makes sure that the user can have another key, and returns the user's keys. If the user already has two
// keys, makeRoom deletes the key that is not stored, but only after the user confirms it.
func (r *run) makeRoom(ctx context.Context, keys []awsapi.AccessKey) ([]awsapi.AccessKey, error) {
	if len(keys) < maxKeys {
		return keys, nil
	}
	quotaErr := r.quotaError(ctx, keys)
	others := slices.DeleteFunc(slices.Clone(quotaErr.Keys), func(k KeyUse) bool { return k.Stored })
	if r.rotation.ConfirmDelete == nil || len(others) != 1 {
		return nil, quotaErr
	}
	yes, err := r.rotation.ConfirmDelete(ctx, quotaErr, others[0])
	if err != nil {
		return nil, err
	}
	if !yes {
		return nil, quotaErr
	}
	if err := r.user.keys.Delete(ctx, others[0].ID); err != nil && !isDeleted(err) {
		return nil, err
	}
	r.rotation.progress("Deleted access key %s", Mask(others[0].ID))
	return slices.DeleteFunc(keys, func(k awsapi.AccessKey) bool { return k.ID == others[0].ID }), nil
}

// deleteLostKeys deletes a key that AWS created in a call whose response was lost. The key's secret was only in
// that response, so nobody can use the key. All other keys stay. To recognize the key, deleteLostKeys needs a list
// of the keys from before the call and one from now. Without both lists, it deletes no key.
func (r *run) deleteLostKeys(ctx context.Context) error {
	listed, err := r.user.list(ctx)
	if err != nil {
		return err
	}
	if !listed.known || len(r.journal.entry.Before) == 0 {
		r.rotation.progress("AWS may have created an access key, but the response with its secret was lost. Such a key is found only if the permission iam:ListAccessKeys was granted before the rotation began")
		return nil
	}
	for _, k := range listed.keys {
		if !mayBeLostKey(k, r.journal.entry) {
			continue
		}
		if use := r.useOf(ctx, k); use.Unknown || !use.Used.IsZero() {
			continue // a program used the key, or may have used it, so its secret is not lost
		}
		if err := r.user.keys.Delete(ctx, k.ID); err != nil && !isDeleted(err) {
			return err
		}
		r.rotation.progress("Deleted access key %s, whose secret was lost with the response", Mask(k.ID))
	}
	return nil
}

// mayBeLostKey reports whether the call whose response was lost may have created the key. Such a key did not exist
// before the call, and was created while the call ran.
func mayBeLostKey(k awsapi.AccessKey, j store.Rotation) bool {
	return !slices.Contains(j.Before, k.ID) && k.ID != j.Old.AccessKeyID && k.ID != j.New.AccessKeyID &&
		!k.Created.Before(j.From.Truncate(time.Second)) && !k.Created.After(j.Until)
}
