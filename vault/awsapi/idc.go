package awsapi

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// IDC is the sign-in of IAM Identity Center at one target. The refusals of its methods are [*APIError], by whose
// code a sign-in goes on.
// https://docs.aws.amazon.com/singlesignon/latest/OIDCAPIReference/Welcome.html
type IDC struct {
	Client   *Client
	At       Target
	StartURL string
}

// The grants that tokens are had for.
// https://docs.aws.amazon.com/singlesignon/latest/OIDCAPIReference/API_CreateToken.html
const (
	GrantCode    = "authorization_code"
	GrantDevice  = "urn:ietf:params:oauth:grant-type:device_code"
	GrantRefresh = "refresh_token"
)

// An IDCClient is a program as IAM Identity Center knows it.
type IDCClient struct {
	ID      string    `json:"client_id"`
	Secret  string    `json:"client_secret"`
	Expires time.Time `json:"expires"`
}

// A Registration is what a program says of itself.
// https://docs.aws.amazon.com/singlesignon/latest/OIDCAPIReference/API_RegisterClient.html
type Registration struct {
	Name      string   `json:"clientName"`
	Type      string   `json:"clientType"`
	Scopes    []string `json:"scopes"`
	Grants    []string `json:"grantTypes"`
	Redirects []string `json:"redirectUris,omitempty"`
	Issuer    string   `json:"issuerUrl,omitempty"`
}

// RegisterClient makes a program known.
func (i IDC) RegisterClient(ctx context.Context, in Registration) (IDCClient, error) {
	var out struct {
		ID      string `json:"clientId"`
		Secret  string `json:"clientSecret"`
		Expires int64  `json:"clientSecretExpiresAt"` // seconds of Unix time
	}
	if err := i.post(ctx, call{action: "RegisterClient"}, ask{url: "/client/register", in: in}, &out, nil); err != nil {
		return IDCClient{}, err
	}
	if out.ID == "" || out.Secret == "" {
		return IDCClient{}, fmt.Errorf("RegisterClient: %s answered without a registration", i.Place())
	}
	return IDCClient{ID: out.ID, Secret: out.Secret, Expires: time.Unix(out.Expires, 0).UTC()}, nil
}

// A Page is what the page of a sign-in is told.
type Page struct {
	Client    string // the program
	Scopes    []string
	Redirect  string // where the answer is brought
	State     string // that comes back with it
	Challenge string // the hash of what the code is traded with
}

// Page is the address of the page on which a person lets this program in. It holds no secret.
func (i IDC) Page(p Page) string {
	return i.base() + "/authorize?" + url.Values{
		"response_type": {"code"}, "client_id": {p.Client}, "redirect_uri": {p.Redirect}, "state": {p.State},
		"code_challenge": {p.Challenge}, "code_challenge_method": {"S256"}, "scopes": {strings.Join(p.Scopes, " ")},
	}.Encode()
}

// A DeviceCode is what a person types on a machine of their choice.
type DeviceCode struct {
	Secret   string // what this program polls with
	User     string // what the person types
	URL      string // where
	Complete string // the same with the code filled in; may be empty
	Lasts    time.Duration
	Interval time.Duration // between two polls; 0 where none is said
}

// StartDeviceAuthorization asks for a code that a person types.
// https://docs.aws.amazon.com/singlesignon/latest/OIDCAPIReference/API_StartDeviceAuthorization.html
func (i IDC) StartDeviceAuthorization(ctx context.Context, c IDCClient) (DeviceCode, error) {
	in := map[string]string{"clientId": c.ID, "clientSecret": c.Secret, "startUrl": i.StartURL}
	var out struct {
		Secret   string        `json:"deviceCode"`
		User     string        `json:"userCode"`
		URL      string        `json:"verificationUri"`
		Complete string        `json:"verificationUriComplete"`
		Lasts    time.Duration `json:"expiresIn"` // in seconds, as is the next
		Interval time.Duration `json:"interval"`
	}
	carried := call{action: "StartDeviceAuthorization", secrets: []string{c.Secret}}
	if err := i.post(ctx, carried, ask{url: "/device_authorization", in: in}, &out, nil); err != nil {
		return DeviceCode{}, err
	}
	return DeviceCode{
		Secret: out.Secret, User: out.User, URL: out.URL, Complete: out.Complete,
		Lasts: out.Lasts * time.Second, Interval: out.Interval * time.Second,
	}, nil
}

// A Grant is what tokens are traded for.
type Grant struct {
	ID       string `json:"clientId"`
	Secret   string `json:"clientSecret"`
	Type     string `json:"grantType"`
	Code     string `json:"code,omitempty"`
	Verifier string `json:"codeVerifier,omitempty"`
	Redirect string `json:"redirectUri,omitempty"`
	Device   string `json:"deviceCode,omitempty"`
	Refresh  string `json:"refreshToken,omitempty"`
}

// Tokens are what a sign-in brings.
type Tokens struct {
	Access  string
	Refresh string    // that which was traded, where no other came
	Expires time.Time // the access token, by this computer's clock
}

// CreateToken trades a grant for tokens. Once AWS has answered, came is called before anything else is done, even
// logged: the grant is spent. It may find no access token, which is an error in the end.
// https://docs.aws.amazon.com/singlesignon/latest/OIDCAPIReference/API_CreateToken.html
func (i IDC) CreateToken(ctx context.Context, g Grant, came func(Tokens)) (Tokens, error) {
	carried := call{action: "CreateToken", secrets: []string{g.Secret, g.Code, g.Verifier, g.Device, g.Refresh}}
	began := i.Client.Clock.Local()
	var out struct {
		Access  string        `json:"accessToken"`
		Refresh string        `json:"refreshToken"`
		Lasts   time.Duration `json:"expiresIn"` // in seconds
	}
	var t Tokens
	err := i.post(ctx, carried, ask{url: "/token", in: g}, &out, func() {
		t = Tokens{Access: out.Access, Refresh: cmp.Or(out.Refresh, g.Refresh), Expires: began.Add(out.Lasts * time.Second).UTC()}
		if out.Access != "" && out.Lasts > 0 || out.Refresh != "" {
			came(t)
		}
	})
	if err == nil && (out.Access == "" || out.Lasts <= 0) {
		err = fmt.Errorf("CreateToken: %s answered without a token", i.Place())
	}
	return t, err
}

// post makes a call of those that sign in, at the path that the ask's URL is, and then first of all what came says.
func (i IDC) post(ctx context.Context, c call, a ask, out any, came func()) error {
	hc, err := i.Client.Network.client(i.At.Endpoint.CABundle, formJSON)
	if err != nil {
		return err
	}
	c.about, c.place, c.client, c.retries = i.StartURL, i.Place(), hc, i.At.Endpoint.retries()
	at, err := serviceOIDC.at(i.At)
	if err != nil {
		return fmt.Errorf("%s at %s: %w", c.action, c.place, err)
	}
	a.method, a.url = http.MethodPost, at.url+a.url
	return i.Client.unsigned(ctx, c, func(ctx context.Context) error {
		err := i.Client.rest(ctx, c, a, out)
		if err == nil && came != nil {
			came()
		}
		return err
	})
}

// base is the address that sign-ins begin at, without a slash at its end. That of a
// region which is none is never called.
func (i IDC) base() string {
	at, _ := serviceOIDC.at(i.At)
	return at.url
}

// Place names where the calls go, for errors.
func (i IDC) Place() string { return serviceOIDC.place(i.At) }
