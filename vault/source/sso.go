package source

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/vault/plan"
)

// ssoRole takes a role's credentials from the portal. A token that the portal no longer
// takes is replaced, once.
func (d *Deps) ssoRole(ctx context.Context, s plan.Step, spec plan.SSORole) (aws.Credentials, error) {
	var creds aws.Credentials
	err := d.Portal(ctx, s.Endpoint, spec.SSO, func(p *Portal) (err error) {
		if p.signIn != spec.SignIn {
			spec.SignIn = p.signIn
			return &OtherCallerError{Of: "the sign-in to " + spec.StartURL, Now: spec}
		}
		creds, err = p.Credentials(ctx, spec.Account, spec.Role)
		return err
	})
	return creds, err
}

// A Portal is one portal of IAM Identity Center, seen by someone who is signed in.
// https://docs.aws.amazon.com/singlesignon/latest/PortalAPIReference/Welcome.html
type Portal struct {
	deps   *Deps
	client *http.Client
	at     address
	place  string
	start  string
	token  string
	signIn string // that gave the token
}

// Portal signs a person in, where no token is held that serves, and calls use. Where the
// portal then does not take the token, both are done once more.
func (d *Deps) Portal(ctx context.Context, e plan.Endpoint, s plan.SSO, use func(*Portal) error) error {
	p, err := d.newPortal(e, s)
	if err != nil {
		return err
	}
	t, err := d.ssoToken(ctx, e, s, "")
	if err != nil {
		return err
	}
	p.token, p.signIn = t.Access, t.signedInBy()
	err = use(p)
	var refused *APIError
	if !errors.As(err, &refused) || refused.Status != http.StatusUnauthorized {
		return err
	}
	d.debug("the portal does not take the token any more", "portal", s.StartURL)
	if t, err = d.ssoToken(ctx, e, s, t.Access); err != nil {
		return err
	}
	p.token, p.signIn = t.Access, t.signedInBy()
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
	at, err := servicePortal.at(s.Region, e)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", servicePortal.place(s.Region, e), err)
	}
	return &Portal{deps: d, client: hc, at: at, place: siteOf(at.url), start: s.StartURL}, nil
}

// call makes one call of the portal's, on what about names, whose answer is read into out.
func (p *Portal) call(ctx context.Context, action, about, method, path string, query url.Values, out any) error {
	c := call{action: action, about: about, place: p.place, secret: p.token}
	return p.deps.unsigned(ctx, c, func(ctx context.Context) error {
		return p.deps.rest(ctx, p.client, ask{
			method: method, url: p.at.url + path, query: query, header: map[string]string{"X-Amz-Sso_bearer_token": p.token},
		}, out)
	})
}

// Credentials are those of a role in an account.
func (p *Portal) Credentials(ctx context.Context, account, role string) (aws.Credentials, error) {
	const action = "GetRoleCredentials"
	var out struct {
		Given struct {
			ID      string `json:"accessKeyId"`
			Secret  string `json:"secretAccessKey"`
			Token   string `json:"sessionToken"`
			Expires int64  `json:"expiration"` // milliseconds of Unix time
		} `json:"roleCredentials"`
	}
	err := p.call(ctx, action, role+" in "+account, http.MethodGet, "/federation/credentials", url.Values{"account_id": {account}, "role_name": {role}}, &out)
	if err != nil {
		return aws.Credentials{}, err
	}
	creds := aws.Credentials{
		AccessKeyID: out.Given.ID, SecretAccessKey: out.Given.Secret, SessionToken: out.Given.Token, AccountID: account,
		CanExpire: true, Expires: time.UnixMilli(out.Given.Expires).UTC(),
	}
	if flaw(creds) != "" || creds.SessionToken == "" || out.Given.Expires <= 0 {
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
	all, err := p.accounts(ctx)
	if err != nil {
		return nil, err
	}
	for i := range all {
		if all[i].Roles, err = p.roles(ctx, all[i].ID); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// accounts are the accounts without their roles.
func (p *Portal) accounts(ctx context.Context) ([]Account, error) {
	var all []Account
	for next, first := "", true; first || next != "" && len(all) < maxAccounts; first = false {
		var page struct {
			Accounts []struct {
				ID    string `json:"accountId"`
				Name  string `json:"accountName"`
				Email string `json:"emailAddress"`
			} `json:"accountList"`
			Next string `json:"nextToken"`
		}
		if err := p.call(ctx, "ListAccounts", p.start, http.MethodGet, "/assignment/accounts", pageAfter(next), &page); err != nil {
			return nil, err
		}
		for _, a := range page.Accounts {
			all = append(all, Account{ID: a.ID, Name: a.Name, Email: a.Email})
		}
		next = page.Next
	}
	return all, nil
}

// pageAfter asks for the page of a list that a token names; for the first if there is none.
func pageAfter(token string) url.Values {
	q := url.Values{"max_result": {"100"}}
	if token != "" {
		q.Set("next_token", token)
	}
	return q
}

// roles are those that the person may take in an account.
func (p *Portal) roles(ctx context.Context, account string) ([]string, error) {
	names := []string{}
	for next, first := "", true; first || next != "" && len(names) < maxAccounts; first = false {
		var page struct {
			Roles []struct {
				Name string `json:"roleName"`
			} `json:"roleList"`
			Next string `json:"nextToken"`
		}
		q := pageAfter(next)
		q.Set("account_id", account)
		if err := p.call(ctx, "ListAccountRoles", account, http.MethodGet, "/assignment/roles", q, &page); err != nil {
			return nil, err
		}
		for _, r := range page.Roles {
			names = append(names, r.Name)
		}
		next = page.Next
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
	return p.call(ctx, "Logout", p.start, http.MethodPost, "/logout", nil, nil)
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
