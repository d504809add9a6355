package source

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/vault/identity"
	"aws-vault/vault/plan"
	"aws-vault/vault/store"
)

// Identities are the keys by which people say who they are.
type Identities interface {
	// Signing is the key of an identity that signs now.
	Signing(name string) (identity.Key, error)
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

// identityRole has a token signed and gives it for the role. What the token says is not said
// by the call as well: AWS wants tags and the source identity in one place. A token that is
// refused while this computer's clock is wrong is made once more, by AWS's.
func (d *Deps) identityRole(ctx context.Context, s plan.Step, spec plan.IdentityRole) (aws.Credentials, error) {
	if err := d.checkEndpoint(s.Endpoint); err != nil {
		return aws.Credentials{}, err // before anyone is asked for a touch
	}
	if spec.Hardware() {
		d.measure(ctx, s.Endpoint, place(s)) // a token that a wrong clock spoils costs a touch
	}
	was := d.Clock.Skew()
	creds, err := d.identityExchange(ctx, s, spec)
	if !notTaken(err) {
		return creds, err
	}
	d.measure(ctx, s.Endpoint, place(s)) // AWS does not say that it is the time which is wrong
	if d.Clock.Skew() == was {
		return creds, err
	}
	return d.identityExchange(ctx, s, spec)
}

func (d *Deps) identityExchange(ctx context.Context, s plan.Step, spec plan.IdentityRole) (aws.Credentials, error) {
	token, err := d.identityToken(ctx, spec)
	var none *NoSignerError
	switch {
	case errors.Is(err, store.ErrOtherCaller):
		return aws.Credentials{}, err
	case err != nil && !errors.As(err, &none):
		return aws.Credentials{}, &NoSignerError{spec.Name, s.Profile, err}
	case err != nil:
		return aws.Credentials{}, err
	case len(token) > maxToken:
		return aws.Credentials{}, &TokenError{"the token of identity " + spec.Name, len(token)}
	}
	return d.exchange(ctx, s, spec.ARN, spec.SessionName, token)
}

func (d *Deps) identityToken(ctx context.Context, spec plan.IdentityRole) (token string, err error) {
	key, err := d.Identities.Signing(spec.Name)
	if err != nil {
		return "", err
	}
	if key.ID != spec.KeyID {
		spec.KeyID, spec.Place = key.ID, key.Place
		return "", &OtherCallerError{Of: "the key of identity " + spec.Name, Now: spec}
	}
	claims := identity.Claims{
		Issuer: spec.Issuer, Subject: spec.Subject, Audience: spec.Audience, SourceIdentity: spec.SourceIdentity, Transitive: spec.TransitiveTags, Role: spec.ARN,
	}
	for _, t := range spec.Tags {
		claims.Tags = append(claims.Tags, identity.Tag(t))
	}
	sign := func(signer crypto.Signer) (err error) {
		token, err = identity.Token(signer, claims, d.Clock.Now())
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
