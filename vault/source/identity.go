package source

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/vault/awsapi"
	"aws-vault/vault/identity"
	"aws-vault/vault/plan"
	"aws-vault/vault/store"
)

// Identities are the keys by which people say who they are.
type Identities interface {
	// Signing is the key of an identity that signs now.
	SigningKey(name string) (identity.Key, error)
	// Secret is the private half of a key that lies in the keystore.
	Secret(ctx context.Context, keyID string) (*ecdsa.PrivateKey, error)
}

// NoSignerError is returned where no key of an identity can sign.
type NoSignerError struct {
	Identity, Profile string
	Err               error
}

func (e *NoSignerError) Error() string {
	return fmt.Sprintf("identity %s of profile %s: %v", e.Identity, e.Profile, e.Err)
}

// Unwrap returns why.
func (e *NoSignerError) Unwrap() error { return e.Err }

// An identityRole is a role that a step assumes with an identity.
type identityRole struct {
	deps *Deps
	step plan.Step
	spec plan.IdentityRole
}

// credentials has a token signed and gives it for the role. What the token says is not said
// by the call as well: AWS wants tags and the source identity in one place. A token that is
// refused while this computer's clock is wrong is made once more, by AWS's.
func (r identityRole) credentials(ctx context.Context) (aws.Credentials, error) {
	d := r.deps
	if err := d.AWS.CheckEndpoint(awsapi.Endpoint(r.step.Endpoint)); err != nil {
		return aws.Credentials{}, err // before anyone is asked for a touch
	}
	if r.spec.Hardware() {
		sts(d.AWS, r.step).MeasureClock(ctx) // a token that a wrong clock spoils costs a touch
	}
	was := d.AWS.Clock.Skew()
	creds, err := r.exchange(ctx)
	if !tokenRejected(err) {
		return creds, err
	}
	sts(d.AWS, r.step).MeasureClock(ctx) // AWS does not say that it is the time which is wrong
	if d.AWS.Clock.Skew() == was {
		return creds, err
	}
	return r.exchange(ctx)
}

func (r identityRole) exchange(ctx context.Context) (aws.Credentials, error) {
	spec := r.spec
	token, err := r.token(ctx)
	var none *NoSignerError
	switch {
	case errors.Is(err, store.ErrWrongIdentity):
		return aws.Credentials{}, err
	case err != nil && !errors.As(err, &none):
		return aws.Credentials{}, &NoSignerError{spec.Name, r.step.Profile, err}
	case err != nil:
		return aws.Credentials{}, err
	case len(token) > maxToken:
		return aws.Credentials{}, &TokenError{"the token of identity " + spec.Name, len(token)}
	}
	return sts(r.deps.AWS, r.step).WebIdentity(ctx, token, roleRequest(r.step, spec.ARN, spec.SessionName))
}

func (r identityRole) token(ctx context.Context) (token string, err error) {
	d, spec := r.deps, r.spec
	key, err := d.Identities.SigningKey(spec.Name)
	if err != nil {
		return "", err
	}
	if key.ID != spec.KeyID {
		spec.KeyID, spec.Place = key.ID, key.Location
		return "", &IdentityChangedError{Source: "the key of identity " + spec.Name, Spec: spec}
	}
	claims := identity.Claims{
		Issuer: spec.Issuer, Subject: spec.Subject, Audience: spec.Audience, SourceIdentity: spec.SourceIdentity, Transitive: spec.TransitiveTags, Role: spec.ARN,
	}
	for _, t := range spec.Tags {
		claims.Tags = append(claims.Tags, identity.Tag(t))
	}
	sign := func(signer crypto.Signer) (err error) {
		token, err = identity.Token(signer, claims, d.AWS.Clock.PreciseNow())
		return err
	}
	if key.Slot() == "" {
		secret, err := d.Identities.Secret(ctx, key.ID)
		if err != nil {
			return "", err
		}
		err = sign(secret)
		return token, err
	}
	if d.Card == nil {
		return "", errNoCard
	}
	public, err := key.PublicKey()
	if err != nil {
		return "", err
	}
	err = d.Card(ctx, key.Slot(), public, sign)
	return token, err
}
