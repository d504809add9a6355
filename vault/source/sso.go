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

// SSO is one portal of IAM Identity Center, with the sign-in to it.
type SSO struct {
	deps     *Deps
	endpoint plan.Endpoint // of the portal; one signs in elsewhere
	to       plan.SSO
	startURL string // the start URL that AWS knows, once somebody signs in; empty for the profile's
}

// SSO returns the portal that is called at an endpoint.
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

// Portal signs a person in, where no token is held that serves, and calls use. Where the
// portal then does not take the token, both are done once more.
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
	s.deps.debug("the portal does not take the token any more", "portal", s.to.StartURL)
	if t, err = s.token(ctx, t.Access); err != nil {
		return err
	}
	p.Token = t.Access
	return use(p, t)
}

// newPortal returns the portal as a stranger sees it.
func (s SSO) newPortal() (*awsapi.Portal, error) {
	return s.deps.AWS.NewPortal(awsapi.Target{Region: s.to.Region, Endpoint: awsapi.Endpoint(s.endpoint)}, s.to.StartURL)
}

// Logout ends the token that is held for the portal, there and here. It reports whether
// there was one; an error is of the portal, and the token is gone from here all the same,
// unless the keystore says otherwise.
func (s SSO) Logout(ctx context.Context) (bool, error) {
	return logout(ctx, s.deps, string(s.to.Token()), func(t ssoToken) error {
		if !t.valid(s.deps.AWS.Clock.Local()) {
			return nil
		}
		return s.logout(ctx, t)
	})
}

// logout ends a token at the portal.
func (s SSO) logout(ctx context.Context, t ssoToken) error {
	p, err := s.newPortal()
	if err != nil {
		return err
	}
	p.Token = t.Access
	return p.Logout(ctx)
}

// describeUser says who has a token, by the accounts that it gives access to: no call names the user.
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
