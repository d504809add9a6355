package source

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/vault/plan"
)

// openIDRole exchanges the ID token of whoever is signed in for a role. One that was kept
// and that AWS does not take any more, for the provider may have new keys, is replaced,
// once.
func (d *Deps) openIDRole(ctx context.Context, s plan.Step, spec plan.OIDCRole) (aws.Credentials, error) {
	if err := d.checkEndpoint(s.Endpoint); err != nil {
		return aws.Credentials{}, err // before a person is asked
	}
	refused := ""
	for {
		t, err := d.openIDToken(ctx, spec.OIDC, refused)
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
		creds, err := d.exchange(ctx, s, spec.ARN, spec.SessionName, t.ID)
		if d.fresh(t) || refused != "" || !notTaken(err) {
			return creds, err
		}
		d.debug("AWS does not take the ID token any more", "issuer", spec.Issuer)
		refused = t.ID
	}
}

// notTaken reports whether AWS refused a token that another one could replace.
func notTaken(err error) bool {
	var api *APIError
	return errors.As(err, &api) && (api.Code == "InvalidIdentityToken" || strings.HasPrefix(api.Code, "ExpiredToken"))
}
