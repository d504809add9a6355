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

// A user is the IAM user whose key is rotated, as AWS knows them.
type user struct {
	rotation    *Rotation
	journal     *journal // while it is open, the key that signs may be so new that AWS does not know it everywhere
	caller      awsapi.Caller
	keys        awsapi.AccessKeys
	clockOffset time.Duration // AWS's clock minus the computer's, as the last list told
}

// signWith makes a key the one that calls from now on. A session that began with another goes
// on to serve, so that one MFA code is enough.
func (u *user) signWith(key aws.Credentials) {
	if !u.rotation.usesSession() {
		u.keys.Creds = key
	}
}

// list lists the user's keys, and learns AWS's time by the way.
func (u *user) list(ctx context.Context) (keys []awsapi.AccessKey, err error) {
	err = u.retryUntilKnown(ctx, func() (err error) {
		var at time.Time
		keys, at, err = u.keys.List(ctx)
		u.clockOffset = at.Sub(u.rotation.Vault.Source.AWS.Clock.Local())
		return err
	})
	return keys, err
}

func find(keys []awsapi.AccessKey, id string) (awsapi.AccessKey, bool) {
	i := slices.IndexFunc(keys, func(k awsapi.AccessKey) bool { return k.ID == id })
	if i < 0 {
		return awsapi.AccessKey{}, false
	}
	return keys[i], true
}

// now is the time by AWS's clock.
func (u *user) now() time.Time { return u.rotation.Vault.Source.AWS.Clock.Local().Add(u.clockOffset) }

// waitUntilKnown waits until AWS knows a key everywhere, as far as two answers in a row can tell.
// What it makes known in one place takes a while to be known in others.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency
func (u *user) waitUntilKnown(ctx context.Context, key aws.Credentials) error {
	for proofs := 0; proofs < 2; proofs++ {
		err := u.retryUntilKnown(ctx, func() error {
			who, err := u.rotation.Vault.Source.STS(u.rotation.Plan.Call("sts")).Caller(ctx, key)
			if err == nil && who != u.caller {
				err = fmt.Errorf("access key %s is the key of %s, want %s", Mask(key.AccessKeyID), who.ARN, u.caller.ARN)
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
	lastWait  = 16 * time.Second // 25 seconds in all
)

// retryUntilKnown does act until AWS knows the key that it is signed with.
func (u *user) retryUntilKnown(ctx context.Context, act func() error) error {
	for wait := firstWait; ; wait *= 2 {
		err := act()
		if !u.journal.open || wait > lastWait || !isUnknownKey(err) {
			return err
		}
		if wait >= time.Second {
			u.rotation.progress("Waiting %s for AWS to know the new access key everywhere", wait)
		}
		if err := u.rotation.Vault.Source.Sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// isUnknownKey reports whether AWS knows no active key of the id that signed.
func isUnknownKey(err error) bool {
	var api *awsapi.APIError
	return errors.As(err, &api) && (api.Code == "InvalidClientTokenId" || api.Code == "UnrecognizedClientException")
}

// isDeleted reports whether AWS knows no key of the id that a call was about.
func isDeleted(err error) bool {
	var api *awsapi.APIError
	return errors.As(err, &api) && api.Code == "NoSuchEntity"
}
