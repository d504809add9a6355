package awsapi

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// A Portal calls the access portal of IAM Identity Center for a signed-in user.
// https://docs.aws.amazon.com/singlesignon/latest/PortalAPIReference/Welcome.html
type Portal struct {
	Token    string // the user's access token
	api      *Client
	http     *http.Client
	url      string
	endpoint string
	startURL string

	retries retries
}

// NewPortal returns a portal without a token. It sends nothing. It fails if the endpoint or its CA bundle is invalid.
func (api *Client) NewPortal(at Target, startURL string) (*Portal, error) {
	if err := api.CheckEndpoint(at.Endpoint); err != nil {
		return nil, err
	}
	hc, err := api.Network.client(at.Endpoint.CABundle, formJSON)
	if err != nil {
		return nil, err
	}
	to, err := servicePortal.address(at)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", servicePortal.endpointName(at), err)
	}
	return &Portal{api: api, http: hc, url: to.url, endpoint: baseOf(to.url), startURL: startURL, retries: at.Endpoint.retries()}, nil
}

// A portalCall describes one call of the portal.
type portalCall struct {
	action   string
	resource string // what the action applies to, such as a role, for errors
	path     string
	query    url.Values
}

// get makes a GET call and decodes the response into out.
func (p *Portal) get(ctx context.Context, c portalCall, out any) error {
	return p.send(ctx, http.MethodGet, c, out)
}

func (p *Portal) send(ctx context.Context, method string, pc portalCall, out any) error {
	c := call{action: pc.action, resource: pc.resource, endpoint: p.endpoint, client: p.http, secrets: []string{p.Token}, retries: p.retries}
	return p.api.unsigned(ctx, c, func(ctx context.Context) error {
		return p.api.rest(ctx, c, restRequest{
			method: method, url: p.url + pc.path, query: pc.query, header: map[string]string{"X-Amz-Sso_bearer_token": p.Token},
		}, out)
	})
}

// Credentials returns credentials for a role in an account.
// https://docs.aws.amazon.com/singlesignon/latest/PortalAPIReference/API_GetRoleCredentials.html
func (p *Portal) Credentials(ctx context.Context, account, role string) (aws.Credentials, error) {
	const action = "GetRoleCredentials"
	var out struct {
		Given struct {
			ID      string `json:"accessKeyId"`
			Secret  string `json:"secretAccessKey"`
			Token   string `json:"sessionToken"`
			Expires int64  `json:"expiration"` // Unix time in milliseconds
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
	if InvalidReason(creds) != "" || creds.SessionToken == "" || out.Given.Expires <= 0 {
		return aws.Credentials{}, fmt.Errorf("%s: no credentials in the response from %s", action, p.endpoint)
	}
	return creds, nil
}

// An Account is an AWS account that the user can access.
type Account struct {
	ID    string   `json:"account_id"`
	Name  string   `json:"account_name"`
	Email string   `json:"email,omitempty"`
	Roles []string `json:"roles"`
}

// maxAccounts limits the length of lists: no further page is requested after 10,000 accounts, or after 10,000
// roles of one account.
const maxAccounts = 10_000

// Accounts returns the accounts that the user can access, with their roles, in the portal's order.
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

// ListAccounts returns the accounts that the user can access, without their roles.
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
		if err := p.get(ctx, portalCall{"ListAccounts", p.startURL, "/assignment/accounts", pageAfter(next)}, &page); err != nil {
			return nil, err
		}
		for _, a := range page.Accounts {
			all = append(all, Account{ID: a.ID, Name: a.Name, Email: a.Email})
		}
		next = page.Next
	}
	return all, nil
}

// pageAfter returns the parameters for the next page of a list. An empty token means the first page.
func pageAfter(token string) url.Values {
	q := url.Values{"max_result": {"100"}}
	if token != "" {
		q.Set("next_token", token)
	}
	return q
}

// roles returns the names of the roles that the user can assume in an account.
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

// Logout invalidates the access token and its refresh token.
// https://docs.aws.amazon.com/singlesignon/latest/PortalAPIReference/API_Logout.html
func (p *Portal) Logout(ctx context.Context) error {
	return p.send(ctx, http.MethodPost, portalCall{action: "Logout", resource: p.startURL, path: "/logout"}, nil)
}
