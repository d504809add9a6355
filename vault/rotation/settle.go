package rotation

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/vault/awsapi"
)

// prove waits until AWS knows a key everywhere, as far as two answers in a row can tell.
// What it makes known in one place takes a while to be known in others.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency
func (r *Rotation) prove(ctx context.Context, key aws.Credentials) error {
	for proofs := 0; proofs < 2; proofs++ {
		err := r.settle(ctx, func() error {
			who, err := r.Source.STS(r.Plan.Call("sts")).Caller(ctx, key)
			if err == nil && who != r.user {
				err = fmt.Errorf("access key %s is the key of %s, want %s", Mask(key.AccessKeyID), who.ARN, r.user.ARN)
			}
			return err
		})
		if err != nil {
			return err
		}
		if proofs == 0 {
			if err := r.Source.Sleep(ctx, firstWait); err != nil {
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

// settle does act until AWS knows the key that it is signed with.
func (r *Rotation) settle(ctx context.Context, act func() error) error {
	for wait := firstWait; ; wait *= 2 {
		err := act()
		if !r.open || wait > lastWait || !isUnknownKey(err) {
			return err
		}
		if wait >= time.Second {
			r.say("Waiting %s for AWS to know the new access key everywhere", wait)
		}
		if err := r.Source.Sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// isUnknownKey reports whether AWS knows no active key of the id that signed.
func isUnknownKey(err error) bool {
	var api *awsapi.APIError
	return errors.As(err, &api) && (api.Code == "InvalidClientTokenId" || api.Code == "UnrecognizedClientException")
}

// isGone reports whether AWS knows no key of the id that a call was about.
func isGone(err error) bool {
	var api *awsapi.APIError
	return errors.As(err, &api) && api.Code == "NoSuchEntity"
}
