package source

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/vault/awsapi"
	"aws-vault/vault/plan"
)

// role exchanges the ID token of whoever is signed in for a role. One that was kept
// and that AWS does not take any more, for the provider may have new keys, is replaced,
// once.
func (o OpenID) role(ctx context.Context, s plan.Step, spec plan.OIDCRole) (aws.Credentials, error) {
	d := o.deps
	if err := d.AWS.CheckEndpoint(awsapi.Endpoint(s.Endpoint)); err != nil {
		return aws.Credentials{}, err // before a person is asked
	}
	refused := ""
	for {
		t, err := o.token(ctx, refused)
		if err != nil {
			return aws.Credentials{}, err
		}
		if t.Subject != spec.Subject {
			now, err := spec.As(t.identity())
			if err != nil {
				return aws.Credentials{}, err
			}
			return aws.Credentials{}, &OtherCallerError{Of: "the sign-in to " + spec.Issuer, Now: now}
		}
		creds, err := sts(d.AWS, s).WebIdentity(ctx, t.ID, roleRequest(s, spec.ARN, spec.SessionName))
		if d.fresh.is(t, d.AWS.Clock.Local()) || refused != "" || !notTaken(err) {
			return creds, err
		}
		d.debug("AWS does not take the ID token any more", "issuer", spec.Issuer)
		refused = t.ID
	}
}

// notTaken reports whether AWS refused a token that another one could replace.
func notTaken(err error) bool {
	var api *awsapi.APIError
	return errors.As(err, &api) && (api.Code == "InvalidIdentityToken" || strings.HasPrefix(api.Code, "ExpiredToken"))
}
