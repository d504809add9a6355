package rotation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/vault/awsapi"
)

// A user is the IAM user whose key is rotated.
type user struct {
	rotation    *Rotation
	journal     *journal // retryUntilKnown retries only while the journal is open
	caller      awsapi.Caller
	keys        awsapi.AccessKeys
	clockOffset time.Duration // AWS's clock minus the local clock, measured by list
}

// signWith sets the key that signs all further calls. If the rotation uses a session, signWith does nothing,
// because the session signs all calls. So one MFA code is enough for the whole rotation.
func (u *user) signWith(key aws.Credentials) {
	if !u.rotation.usesSession() {
		u.keys.Creds = key
	}
}

// A listing has the user's keys, if the user has the permission to list them.
type listing struct {
	keys  []awsapi.AccessKey
	known bool // whether AWS returned the keys; if false, keys is empty
}

// list returns the user's keys and measures AWS's clock. If the user may not list keys, it returns the zero
// listing.
func (u *user) list(ctx context.Context) (l listing, err error) {
	err = u.retryUntilKnown(ctx, func() error {
		keys, at, err := u.keys.List(ctx)
		if err == nil {
			l = listing{keys, true}
			u.clockOffset = at.Sub(u.rotation.Vault.Source.AWS.Clock.Local())
		}
		return err
	})
	if isDenied(err) {
		return listing{}, nil
	}
	return l, err
}

func (l listing) has(id string) bool {
	return slices.ContainsFunc(l.keys, func(k awsapi.AccessKey) bool { return k.ID == id })
}

// now returns the time by AWS's clock.
func (u *user) now() time.Time { return u.rotation.Vault.Source.AWS.Clock.Local().Add(u.clockOffset) }

// waitUntilKnown waits until AWS accepts a key twice in a row. A new key takes some time to reach all of AWS's
// servers.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency
func (u *user) waitUntilKnown(ctx context.Context, key aws.Credentials) error {
	for proofs := 0; proofs < 2; proofs++ {
		err := u.retryUntilKnown(ctx, func() error {
			who, err := u.rotation.Vault.Source.STS(u.rotation.Plan.Call("sts")).Caller(ctx, key)
			if err == nil && who != u.caller {
				err = fmt.Errorf("access key %s belongs to %s, expected %s", Mask(key.AccessKeyID), who.ARN, u.caller.ARN)
			}
			return err
		})
		if err != nil {
			return err
		}
		if proofs == 0 {
			if err := u.rotation.Vault.Source.Sleep(ctx, firstWait); err != nil {
				return err
			}
		}
	}
	return nil
}

const (
	firstWait = 100 * time.Millisecond
	lastWait  = 16 * time.Second // upper limit for one wait; all waits together take 25 s
)

// retryUntilKnown calls act again, with growing waits, while AWS does not know the key that signs the call. It gives up
// after 25 s. If the journal is not open, it calls act only once.
func (u *user) retryUntilKnown(ctx context.Context, act func() error) error {
	for wait := firstWait; ; wait *= 2 {
		err := act()
		if !u.journal.open || wait > lastWait || !isUnknownKey(err) {
			return err
		}
		if wait >= time.Second {
			u.rotation.progress("Waiting %s until the new access key works everywhere in AWS", wait)
		}
		if err := u.rotation.Vault.Source.Sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// isUnknownKey reports whether err means that the key that signed the call is inactive, or that AWS does not know
// it.
func isUnknownKey(err error) bool {
	var api *awsapi.APIError
	return errors.As(err, &api) && (api.Code == "InvalidClientTokenId" || api.Code == "UnrecognizedClientException")
}

// isDenied reports whether err means that the user lacks the permission for the call. A rotation needs only permissions
// that aws-vault 7 needs, and uses others if the user has them.
func isDenied(err error) bool {
	var api *awsapi.APIError
	return errors.As(err, &api) && (api.Code == "AccessDenied" || api.Code == "AccessDeniedException")
}

// isDeleted reports whether err means that AWS has no key with the ID that was in the call.
func isDeleted(err error) bool {
	var api *awsapi.APIError
	return errors.As(err, &api) && api.Code == "NoSuchEntity"
}
