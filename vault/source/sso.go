package source

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/vault/awsapi"
	"aws-vault/vault/plan"
)

// SSO is a portal of IAM Identity Center and the user's sign-in to it.
type SSO struct {
	deps     *Deps
	endpoint plan.Endpoint // endpoint of the portal; the sign-in service has another endpoint
	to       plan.SSO
	startURL string // start URL after redirects, set during a sign-in; if empty, the profile's start URL is used
}

// SSO returns the portal at an endpoint.
func (d *Deps) SSO(e plan.Endpoint, to plan.SSO) SSO { return SSO{deps: d, endpoint: e, to: to} }

// role gets a role's credentials from the portal.
func (s SSO) role(ctx context.Context, spec plan.SSORole) (aws.Credentials, error) {
	var creds aws.Credentials
	err := s.use(ctx, func(p *awsapi.Portal, t ssoToken) (err error) {
		if now := t.signInID(); now != spec.SignIn {
			spec.SignIn = now
			return &IdentityChangedError{Source: "the sign-in to " + spec.StartURL, Spec: spec}
		}
		creds, err = p.Credentials(ctx, spec.Account, spec.Role)
		return err
	})
	return creds, err
}

// Portal calls the function use with a portal that the user is signed in to. It signs the user in if there is no valid
// token. If the portal refuses the token, Portal gets a new token and calls the function once more.
func (s SSO) Portal(ctx context.Context, use func(*awsapi.Portal) error) error {
	return s.use(ctx, func(p *awsapi.Portal, _ ssoToken) error { return use(p) })
}

func (s SSO) use(ctx context.Context, use func(*awsapi.Portal, ssoToken) error) error {
	p, err := s.newPortal()
	if err != nil {
		return err
	}
	t, err := s.token(ctx, "")
	if err != nil {
		return err
	}
	p.Token = t.Access
	err = use(p, t)
	var refused *awsapi.APIError
	if !errors.As(err, &refused) || refused.Status != http.StatusUnauthorized {
		return err
	}
	s.deps.debug("the portal no longer accepts the token", "portal", s.to.StartURL)
	if t, err = s.token(ctx, t.Access); err != nil {
		return err
	}
	p.Token = t.Access
	return use(p, t)
}

// newPortal returns the portal without a token.
func (s SSO) newPortal() (*awsapi.Portal, error) {
	return s.deps.AWS.NewPortal(awsapi.Target{Region: s.to.Region, Endpoint: awsapi.Endpoint(s.endpoint)}, s.to.StartURL)
}

// Logout ends the session at the portal and removes the stored token. The token is removed even if the portal returns
// an error. Logout reports whether there was a token.
func (s SSO) Logout(ctx context.Context) (bool, error) {
	return logout(ctx, s.deps, string(s.to.TokenDigest()), func(t ssoToken) error {
		if !t.valid(s.deps.AWS.Clock.Local()) {
			return nil
		}
		return s.logout(ctx, t)
	})
}

// logout ends the session of a token at the portal.
func (s SSO) logout(ctx context.Context, t ssoToken) error {
	p, err := s.newPortal()
	if err != nil {
		return err
	}
	p.Token = t.Access
	return p.Logout(ctx)
}

// describeUser describes the owner of a token by the accounts that the owner can use, because no API call returns the
// owner's name.
func (s SSO) describeUser(ctx context.Context, t ssoToken) (string, error) {
	p, err := s.newPortal()
	if err != nil {
		return "", err
	}
	p.Token = t.Access
	accounts, err := p.ListAccounts(ctx)
	if err != nil {
		return "", err
	}
	if len(accounts) == 0 {
		return "a user without accounts", nil
	}
	const most = 5
	var names []string
	for _, a := range accounts[:min(len(accounts), most)] {
		names = append(names, fmt.Sprintf("%s (%s)", a.Name, a.ID))
	}
	if more := len(accounts) - most; more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	return "a user of " + strings.Join(names, ", "), nil
}
