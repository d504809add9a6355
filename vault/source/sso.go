package source

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sso"

	"aws-vault/vault/plan"
)

// ssoRole takes a role's credentials from the portal. A token that the portal no longer
// takes is replaced, once.
func (d *Deps) ssoRole(ctx context.Context, s plan.Step, spec plan.SSORole) (aws.Credentials, error) {
	var creds aws.Credentials
	err := d.Portal(ctx, s.Endpoint, spec.SSO, func(p *Portal) (err error) {
		creds, err = p.Credentials(ctx, spec.Account, spec.Role)
		return err
	})
	return creds, err
}

// A Portal is one portal of IAM Identity Center, seen by someone who is signed in.
// https://docs.aws.amazon.com/singlesignon/latest/PortalAPIReference/Welcome.html
type Portal struct {
	deps   *Deps
	client *sso.Client
	place  string
	start  string
	token  string
}

// Portal signs a person in, where no token is held that serves, and calls use. Where the
// portal then does not take the token, both are done once more.
func (d *Deps) Portal(ctx context.Context, e plan.Endpoint, s plan.SSO, use func(*Portal) error) error {
	p, err := d.newPortal(e, s)
	if err != nil {
		return err
	}
	t, err := d.ssoToken(ctx, s, "")
	if err != nil {
		return err
	}
	p.token = t.Access
	err = use(p)
	var refused *APIError
	if !errors.As(err, &refused) || refused.Status != http.StatusUnauthorized {
		return err
	}
	d.debug("the portal does not take the token any more", "portal", s.StartURL)
	if t, err = d.ssoToken(ctx, s, t.Access); err != nil {
		return err
	}
	p.token = t.Access
	return use(p)
}

// newPortal returns the portal as a stranger sees it.
func (d *Deps) newPortal(e plan.Endpoint, s plan.SSO) (*Portal, error) {
	if err := d.checkEndpoint(e); err != nil {
		return nil, err
	}
	hc, err := d.clientFor(e, formJSON)
	if err != nil {
		return nil, err
	}
	o := sso.Options{Region: s.Region, HTTPClient: hc, AppID: "aws-vault", Retryer: d.retryer(), DisableClockSkewCorrection: true}
	if e.URL != "" {
		o.BaseEndpoint = aws.String(e.URL)
	}
	if e.FIPS {
		o.EndpointOptions.UseFIPSEndpoint = aws.FIPSEndpointStateEnabled
	}
	if e.DualStack {
		o.EndpointOptions.UseDualStackEndpoint = aws.DualStackEndpointStateEnabled
	}
	return &Portal{deps: d, client: sso.New(o), place: portalPlace(e, s.Region), start: s.StartURL}, nil
}

// portalPlace names where the portal is called, as place does for STS.
func portalPlace(e plan.Endpoint, region string) string {
	if e.URL != "" {
		return siteOf(e.URL)
	}
	p := sso.EndpointParameters{Region: aws.String(region), UseFIPS: aws.Bool(e.FIPS), UseDualStack: aws.Bool(e.DualStack)}
	if found, err := sso.NewDefaultEndpointResolverV2().ResolveEndpoint(context.Background(), p); err == nil {
		return site(&found.URI)
	}
	return "the portal in " + region
}

// call makes one call of the portal's.
func (p *Portal) call(ctx context.Context, action, about string, act func(context.Context) error) error {
	return p.deps.unsigned(ctx, call{action: action, about: about, place: p.place, secret: p.token}, act)
}

// Credentials are those of a role in an account.
func (p *Portal) Credentials(ctx context.Context, account, role string) (aws.Credentials, error) {
	const action = "GetRoleCredentials"
	var out *sso.GetRoleCredentialsOutput
	about := role + " in " + account
	err := p.call(ctx, action, about, func(ctx context.Context) (err error) {
		out, err = p.client.GetRoleCredentials(ctx, &sso.GetRoleCredentialsInput{
			AccessToken: &p.token, AccountId: &account, RoleName: &role,
		})
		return err
	})
	if err != nil {
		return aws.Credentials{}, err
	}
	given := out.RoleCredentials
	if given == nil || given.Expiration <= 0 {
		return aws.Credentials{}, fmt.Errorf("%s: %s answered without credentials", action, p.place)
	}
	creds := aws.Credentials{
		AccessKeyID: aws.ToString(given.AccessKeyId), SecretAccessKey: aws.ToString(given.SecretAccessKey),
		SessionToken: aws.ToString(given.SessionToken), AccountID: account,
		CanExpire: true, Expires: time.UnixMilli(given.Expiration).UTC(),
	}
	if flaw(creds) != "" || creds.SessionToken == "" {
		return aws.Credentials{}, fmt.Errorf("%s: %s answered without credentials", action, p.place)
	}
	return creds, nil
}

// Account is one that a person may work in.
type Account struct {
	ID    string   `json:"account_id"`
	Name  string   `json:"account_name"`
	Email string   `json:"email,omitempty"`
	Roles []string `json:"roles"`
}

// maxAccounts bounds what is read of a portal.
const maxAccounts = 10_000

// Accounts are those that the person may work in, with their roles, in the portal's order.
func (p *Portal) Accounts(ctx context.Context) ([]Account, error) {
	var all []Account
	pages := sso.NewListAccountsPaginator(p.client, &sso.ListAccountsInput{AccessToken: &p.token, MaxResults: aws.Int32(100)})
	for pages.HasMorePages() && len(all) < maxAccounts {
		var page *sso.ListAccountsOutput
		err := p.call(ctx, "ListAccounts", p.start, func(ctx context.Context) (err error) {
			page, err = pages.NextPage(ctx)
			return err
		})
		if err != nil {
			return nil, err
		}
		for _, a := range page.AccountList {
			all = append(all, Account{ID: aws.ToString(a.AccountId), Name: aws.ToString(a.AccountName), Email: aws.ToString(a.EmailAddress)})
		}
	}
	for i := range all {
		var err error
		if all[i].Roles, err = p.roles(ctx, all[i].ID); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// roles are those that the person may take in an account.
func (p *Portal) roles(ctx context.Context, account string) ([]string, error) {
	names := []string{}
	pages := sso.NewListAccountRolesPaginator(p.client, &sso.ListAccountRolesInput{AccessToken: &p.token, AccountId: &account, MaxResults: aws.Int32(100)})
	for pages.HasMorePages() && len(names) < maxAccounts {
		var page *sso.ListAccountRolesOutput
		err := p.call(ctx, "ListAccountRoles", account, func(ctx context.Context) (err error) {
			page, err = pages.NextPage(ctx)
			return err
		})
		if err != nil {
			return nil, err
		}
		for _, r := range page.RoleList {
			names = append(names, aws.ToString(r.RoleName))
		}
	}
	return names, nil
}

// logout ends a token at the portal, and with it what could renew it.
func (d *Deps) logout(ctx context.Context, e plan.Endpoint, s plan.SSO, token string) error {
	p, err := d.newPortal(e, s)
	if err != nil {
		return err
	}
	p.token = token
	return p.call(ctx, "Logout", p.start, func(ctx context.Context) error {
		_, err := p.client.Logout(ctx, &sso.LogoutInput{AccessToken: &p.token})
		return err
	})
}

// unsigned makes a call that nobody signs, within the deadline.
func (d *Deps) unsigned(ctx context.Context, c call, act func(context.Context) error) error {
	limited, cancel := context.WithTimeoutCause(ctx, d.timeout(), errDeadline)
	defer cancel()
	began := d.Clock.Local()
	err := act(limited)
	d.debug("called "+c.place, "action", c.action, "about", c.about, "took", d.Clock.Local().Sub(began), "error", outcome(err))
	return d.explain(limited, c, err)
}
