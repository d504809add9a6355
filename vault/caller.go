package vault

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/vault/plan"
	"aws-vault/vault/source"
	"aws-vault/vault/store"
)

// carry carries the plan out as far as the i-th step. Whose credentials the first step gives is found out before
// any session is looked for. If that changes on the way, such as when another person signs in, the plan is carried
// out once more.
func (c *carrier) carry(ctx context.Context, i int, need time.Duration) (aws.Credentials, error) {
	for first := true; ; first = false {
		err := c.identify(ctx, i)
		var creds aws.Credentials
		if err == nil {
			creds, err = c.step(ctx, i, need)
		}
		if !first || !errors.Is(err, store.ErrOtherCaller) {
			return creds, err
		}
		c.given, c.plan = nil, c.plan.Gave("")
		var other *source.OtherCallerError
		if errors.As(err, &other) {
			c.plan = c.plan.From(other.Now)
		}
	}
}

// identify completes the plan with whose credentials its first step gives.
func (c *carrier) identify(ctx context.Context, i int) error {
	first := c.plan.Steps[0]
	if !first.ShowsCaller() {
		known, token, err := c.vault.Source.Identify(ctx, first)
		if err == nil {
			c.plan, c.token = c.plan.From(known), cmp.Or(token, c.token)
		}
		return err
	}
	if i == 0 || first.Gave != "" {
		return nil
	}
	creds, err := c.step(ctx, 0, innerNeed)
	if err == nil {
		c.given, c.plan = &creds, c.plan.Gave(fingerprint(creds))
	}
	return err
}

// gaveOtherError is returned where the first step of a plan gave other credentials than before.
type gaveOtherError struct{}

func (gaveOtherError) Error() string {
	return "the first credentials of the profile changed while they were used"
}

func (gaveOtherError) Unwrap() error { return store.ErrOtherCaller }

// first carries out the first step. A token that was needed to find out whose it is serves once.
func (c *carrier) first(ctx context.Context) (aws.Credentials, error) {
	s, token := c.plan.Steps[0], c.token
	spec, ok := s.Spec.(plan.WebIdentity)
	if !ok || token == "" {
		return c.vault.Source.Make(ctx, s, aws.Credentials{})
	}
	c.token = ""
	return c.vault.Source.WebIdentity(ctx, s, spec, token)
}

// before returns the credentials that the i-th step is carried out on.
func (c *carrier) before(ctx context.Context, i int) (aws.Credentials, error) {
	if i == 1 && c.given != nil {
		return *c.given, nil
	}
	creds, err := c.step(ctx, i-1, innerNeed)
	if gave := c.plan.Steps[0].Gave; err == nil && i == 1 && gave != "" && gave != fingerprint(creds) {
		return aws.Credentials{}, gaveOtherError{}
	}
	return creds, err
}

// fingerprint tells credentials apart. The access key id alone would let anything that names it pass for its owner.
func fingerprint(c aws.Credentials) string {
	return plan.Fingerprint(c.AccessKeyID, c.SecretAccessKey, c.SessionToken)
}
