package awsapi

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// A Portal is one portal of IAM Identity Center, seen by someone who is signed in.
// https://docs.aws.amazon.com/singlesignon/latest/PortalAPIReference/Welcome.html
type Portal struct {
	Token string // of whoever is signed in
	api   *Client
	http  *http.Client
	url   string
	place string
	start string

	retries retries
}

// NewPortal returns the portal as a stranger sees it. It calls nobody, and fails where nobody can be called.
func (api *Client) NewPortal(at Target, startURL string) (*Portal, error) {
	if err := api.CheckEndpoint(at.Endpoint); err != nil {
		return nil, err
	}
	hc, err := api.Network.client(at.Endpoint.CABundle, formJSON)
	if err != nil {
		return nil, err
	}
	to, err := servicePortal.at(at)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", servicePortal.place(at), err)
	}
	return &Portal{api: api, http: hc, url: to.url, place: siteOf(to.url), start: startURL, retries: at.Endpoint.retries()}, nil
}

// A portalCall is one call of the portal's.
type portalCall struct {
	action string
	about  string // for errors
	path   string
	query  url.Values
}

// get makes a call whose answer is read into out.
func (p *Portal) get(ctx context.Context, c portalCall, out any) error {
	return p.send(ctx, http.MethodGet, c, out)
}

func (p *Portal) send(ctx context.Context, method string, pc portalCall, out any) error {
	c := call{action: pc.action, about: pc.about, place: p.place, client: p.http, secrets: []string{p.Token}, retries: p.retries}
	return p.api.unsigned(ctx, c, func(ctx context.Context) error {
		return p.api.rest(ctx, c, ask{
			method: method, url: p.url + pc.path, query: pc.query, header: map[string]string{"X-Amz-Sso_bearer_token": p.Token},
		}, out)
	})
}

// Credentials are those of a role in an account.
// https://docs.aws.amazon.com/singlesignon/latest/PortalAPIReference/API_GetRoleCredentials.html
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
	err := p.get(ctx, portalCall{action, role + " in " + account, "/federation/credentials", url.Values{"account_id": {account}, "role_name": {role}}}, &out)
	if err != nil {
		return aws.Credentials{}, err
	}
	creds := aws.Credentials{
		AccessKeyID: out.Given.ID, SecretAccessKey: out.Given.Secret, SessionToken: out.Given.Token, AccountID: account,
		CanExpire: true, Expires: time.UnixMilli(out.Given.Expires).UTC(),
	}
	if Flaw(creds) != "" || creds.SessionToken == "" || out.Given.Expires <= 0 {
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
	all, err := p.ListAccounts(ctx)
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

// ListAccounts returns the accounts without their roles.
// https://docs.aws.amazon.com/singlesignon/latest/PortalAPIReference/API_ListAccounts.html
func (p *Portal) ListAccounts(ctx context.Context) ([]Account, error) {
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
		if err := p.get(ctx, portalCall{"ListAccounts", p.start, "/assignment/accounts", pageAfter(next)}, &page); err != nil {
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
// https://docs.aws.amazon.com/singlesignon/latest/PortalAPIReference/API_ListAccountRoles.html
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
		if err := p.get(ctx, portalCall{"ListAccountRoles", account, "/assignment/roles", q}, &page); err != nil {
			return nil, err
		}
		for _, r := range page.Roles {
			names = append(names, r.Name)
		}
		next = page.Next
	}
	return names, nil
}

// Logout ends the token, and with it what could renew it.
// https://docs.aws.amazon.com/singlesignon/latest/PortalAPIReference/API_Logout.html
func (p *Portal) Logout(ctx context.Context) error {
	return p.send(ctx, http.MethodPost, portalCall{action: "Logout", about: p.start, path: "/logout"}, nil)
}
