package source

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/vault/awsapi"
	"aws-vault/vault/plan"
	"aws-vault/vault/signin"
)

// role exchanges the user's ID token for a role's credentials. If AWS no longer accepts a stored ID token, role
// gets a new ID token and tries once more, because the provider may have changed its keys.
func (o OpenID) role(ctx context.Context, s plan.Step, spec plan.OIDCRole) (aws.Credentials, error) {
	d := o.deps
	if err := d.AWS.CheckEndpoint(awsapi.Endpoint(s.Endpoint)); err != nil {
		return aws.Credentials{}, err // return before the user is prompted, because the call cannot succeed
	}
	refused := ""
	for {
		t, err := o.token(ctx, refused)
		if err != nil {
			return aws.Credentials{}, err
		}
		if t.Subject != spec.Subject {
			now, err := spec.WithIdentity(t.identity())
			if err != nil {
				return aws.Credentials{}, err
			}
			return aws.Credentials{}, &IdentityChangedError{Source: "the sign-in to " + spec.Issuer, Spec: now}
		}
		creds, err := d.exchangeToken(ctx, s, t.ID, roleRequest(s, spec.ARN, spec.SessionName))
		if d.lastOpenID.matches(t, d.AWS.Clock.Local()) || refused != "" || !tokenRejected(err) && !o.keyRemoved(ctx, t, err) {
			return creds, err
		}
		d.debug("AWS no longer accepts the ID token", "issuer", spec.Issuer)
		refused = t.ID
	}
}

// keyRemoved reports whether the provider no longer publishes the key that signed the token. Such a token must be
// replaced. AWS returns the same error if AWS cannot reach the provider, so keyRemoved fetches the provider's keys
// itself.
func (o OpenID) keyRemoved(ctx context.Context, t openIDToken, err error) bool {
	var api *awsapi.APIError
	if !errors.As(err, &api) || api.Code != awsapi.CodeInvalidToken || !api.Retry {
		return false
	}
	p, err := o.providerWithKeys(ctx)
	if err != nil {
		return false
	}
	_, err = p.Verify(t.ID, signin.Expected{Audience: o.to.Audience})
	var refused *signin.IDTokenError
	return errors.As(err, &refused) && refused.NoKey
}

// tokenRejected reports whether AWS refused the token in a way that a new token can fix. It is false if AWS
// could not reach the provider.
func tokenRejected(err error) bool {
	var api *awsapi.APIError
	return errors.As(err, &api) && !api.Retry && (api.Code == awsapi.CodeInvalidToken || strings.HasPrefix(api.Code, "ExpiredToken"))
}
