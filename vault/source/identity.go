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

// Identities provides the signing keys of the user's identities.
type Identities interface {
	// SigningKey returns the active signing key of an identity.
	SigningKey(name string) (identity.Key, error)
	// Secret returns the private key with this ID from the keystore.
	Secret(ctx context.Context, keyID string) (*ecdsa.PrivateKey, error)
}

// NoSignerError reports that no key of an identity can sign.
type NoSignerError struct {
	Identity, Profile string
	Err               error
}

func (e *NoSignerError) Error() string {
	return fmt.Sprintf("identity %s of profile %s: %v", e.Identity, e.Profile, e.Err)
}

// Unwrap returns the reason why no key can sign.
func (e *NoSignerError) Unwrap() error { return e.Err }

// An identityRole assumes a role with a token that an identity's key signs.
type identityRole struct {
	deps *Deps
	step plan.Step
	spec plan.IdentityRole
}

// credentials signs a token and exchanges it for the role's credentials. It sends the session tags and the source
// identity in the token, because AssumeRoleWithWebIdentity has no parameters for them. If AWS refuses the token and
// the local clock is wrong, credentials signs a second token with AWS's time.
func (r identityRole) credentials(ctx context.Context) (aws.Credentials, error) {
	d := r.deps
	if err := d.AWS.CheckEndpoint(awsapi.Endpoint(r.step.Endpoint)); err != nil {
		return aws.Credentials{}, err // return before the user is asked to touch the key
	}
	if r.spec.Hardware() {
		// If the token's time is wrong, AWS refuses the token, and the user must touch the key again.
		sts(d.AWS, r.step).MeasureClock(ctx)
	}
	was := d.AWS.Clock.Skew()
	creds, err := r.exchange(ctx)
	if !tokenRejected(err) {
		return creds, err
	}
	sts(d.AWS, r.step).MeasureClock(ctx) // AWS's error does not show whether the token's time was wrong
	if d.AWS.Clock.Skew() == was {
		return creds, err
	}
	return r.exchange(ctx)
}

func (r identityRole) exchange(ctx context.Context) (aws.Credentials, error) {
	spec := r.spec
	token, err := r.token(ctx)
	var noSigner *NoSignerError
	switch {
	case errors.Is(err, store.ErrWrongIdentity):
		return aws.Credentials{}, err
	case err != nil && !errors.As(err, &noSigner):
		return aws.Credentials{}, &NoSignerError{spec.Name, r.step.Profile, err}
	case err != nil:
		return aws.Credentials{}, err
	case len(token) > maxToken:
		return aws.Credentials{}, &TokenError{"the token of identity " + spec.Name, len(token)}
	}
	return r.deps.exchangeToken(ctx, r.step, token, roleRequest(r.step, spec.ARN, spec.SessionName))
}

func (r identityRole) token(ctx context.Context) (token string, err error) {
	d, spec := r.deps, r.spec
	key, err := d.Identities.SigningKey(spec.Name)
	if err != nil {
		return "", err
	}
	if key.ID != spec.KeyID {
		spec.KeyID, spec.KeyLocation = key.ID, key.Location
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
