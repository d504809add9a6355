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

// IDC calls the OIDC service of IAM Identity Center, with which users sign in. A refusal by AWS is an [*APIError];
// its code tells the caller how to continue the sign-in.
// https://docs.aws.amazon.com/singlesignon/latest/OIDCAPIReference/Welcome.html
type IDC struct {
	Client   *Client
	Target   Target
	StartURL string
}

// Grant types of CreateToken.
// https://docs.aws.amazon.com/singlesignon/latest/OIDCAPIReference/API_CreateToken.html
const (
	GrantCode    = "authorization_code"
	GrantDevice  = "urn:ietf:params:oauth:grant-type:device_code"
	GrantRefresh = "refresh_token"
)

// An IDCClient is this program's registration with IAM Identity Center.
type IDCClient struct {
	ID      string    `json:"client_id"`
	Secret  string    `json:"client_secret"`
	Expires time.Time `json:"expires"`
}

// A Registration is the request to register this program as a client.
// https://docs.aws.amazon.com/singlesignon/latest/OIDCAPIReference/API_RegisterClient.html
type Registration struct {
	Name      string   `json:"clientName"`
	Type      string   `json:"clientType"`
	Scopes    []string `json:"scopes"`
	Grants    []string `json:"grantTypes"`
	Redirects []string `json:"redirectUris,omitempty"`
	Issuer    string   `json:"issuerUrl,omitempty"`
}

// RegisterClient registers this program as a client.
func (i IDC) RegisterClient(ctx context.Context, in Registration) (IDCClient, error) {
	var out struct {
		ID      string `json:"clientId"`
		Secret  string `json:"clientSecret"`
		Expires int64  `json:"clientSecretExpiresAt"` // Unix time in seconds
	}
	if err := i.post(ctx, call{action: "RegisterClient"}, restRequest{url: "/client/register", in: in}, &out, nil); err != nil {
		return IDCClient{}, err
	}
	if out.ID == "" || out.Secret == "" {
		return IDCClient{}, fmt.Errorf("RegisterClient: no registration in the response from %s", i.EndpointName())
	}
	return IDCClient{ID: out.ID, Secret: out.Secret, Expires: time.Unix(out.Expires, 0).UTC()}, nil
}

// An AuthorizeRequest holds the parameters of the page where the user signs in.
type AuthorizeRequest struct {
	ClientID      string // the program's client ID
	Scopes        []string
	RedirectURI   string // URL to which AWS redirects the browser with the code
	State         string // text that AWS returns together with the code
	CodeChallenge string // SHA-256 hash of the PKCE code verifier
}

// AuthorizeURL returns the URL of the page where the user authorizes this program. It contains no secret.
func (i IDC) AuthorizeURL(p AuthorizeRequest) string {
	return i.baseURL() + "/authorize?" + url.Values{
		"response_type": {"code"}, "client_id": {p.ClientID}, "redirect_uri": {p.RedirectURI}, "state": {p.State},
		"code_challenge": {p.CodeChallenge}, "code_challenge_method": {"S256"}, "scopes": {strings.Join(p.Scopes, " ")},
	}.Encode()
}

// A DeviceCode is the response that starts a sign-in on another device.
type DeviceCode struct {
	Secret      string // device code, with which this program polls for the token
	UserCode    string // the code that the user types
	URL         string // page where the user types UserCode
	CompleteURL string // the same page with UserCode filled in; may be empty
	ExpiresIn   time.Duration
	Interval    time.Duration // time between two polls; 0 if AWS does not set it
}

// StartDeviceAuthorization requests a code for the user to type on any device.
// https://docs.aws.amazon.com/singlesignon/latest/OIDCAPIReference/API_StartDeviceAuthorization.html
func (i IDC) StartDeviceAuthorization(ctx context.Context, c IDCClient) (DeviceCode, error) {
	in := map[string]string{"clientId": c.ID, "clientSecret": c.Secret, "startUrl": i.StartURL}
	var out struct {
		Secret   string        `json:"deviceCode"`
		User     string        `json:"userCode"`
		URL      string        `json:"verificationUri"`
		Complete string        `json:"verificationUriComplete"`
		Lasts    time.Duration `json:"expiresIn"` // number of seconds, like Interval
		Interval time.Duration `json:"interval"`
	}
	apiCall := call{action: "StartDeviceAuthorization", secrets: []string{c.Secret}}
	if err := i.post(ctx, apiCall, restRequest{url: "/device_authorization", in: in}, &out, nil); err != nil {
		return DeviceCode{}, err
	}
	return DeviceCode{
		Secret: out.Secret, UserCode: out.User, URL: out.URL, CompleteURL: out.Complete,
		ExpiresIn: out.Lasts * time.Second, Interval: out.Interval * time.Second,
	}, nil
}

// A Grant is exchanged for tokens: an authorization code, a device code or a refresh token.
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

// Tokens are the result of a sign-in.
type Tokens struct {
	Access  string
	Refresh string    // new refresh token, or the old refresh token if AWS returned no new one
	Expires time.Time // time when Access expires, by this computer's clock
}

// CreateToken exchanges a grant for tokens. As soon as AWS returns an access token or a new refresh token, CreateToken
// passes the tokens to onTokens, because the grant cannot be used again. It fails if there is no valid access token.
// https://docs.aws.amazon.com/singlesignon/latest/OIDCAPIReference/API_CreateToken.html
func (i IDC) CreateToken(ctx context.Context, g Grant, onTokens func(Tokens)) (Tokens, error) {
	c := call{action: "CreateToken", secrets: []string{g.Secret, g.Code, g.Verifier, g.Device, g.Refresh}}
	began := i.Client.Clock.Local()
	var out struct {
		Access  string        `json:"accessToken"`
		Refresh string        `json:"refreshToken"`
		Lasts   time.Duration `json:"expiresIn"` // number of seconds
	}
	var t Tokens
	err := i.post(ctx, c, restRequest{url: "/token", in: g}, &out, func() {
		t = Tokens{Access: out.Access, Refresh: cmp.Or(out.Refresh, g.Refresh), Expires: began.Add(out.Lasts * time.Second).UTC()}
		if out.Access != "" && out.Lasts > 0 || out.Refresh != "" {
			onTokens(t)
		}
	})
	if err == nil && (out.Access == "" || out.Lasts <= 0) {
		err = fmt.Errorf("CreateToken: no token in the response from %s", i.EndpointName())
	}
	return t, err
}

// post sends the request a to the OIDC service. The field a.url contains only the path. If the call succeeds, and
// onSuccess is not nil, post calls onSuccess before it returns.
func (i IDC) post(ctx context.Context, c call, a restRequest, out any, onSuccess func()) error {
	hc, err := i.Client.Network.client(i.Target.Endpoint.CABundle, formJSON)
	if err != nil {
		return err
	}
	c.resource, c.endpoint, c.client, c.retries = i.StartURL, i.EndpointName(), hc, i.Target.Endpoint.retries()
	at, err := serviceOIDC.address(i.Target)
	if err != nil {
		return fmt.Errorf("%s at %s: %w", c.action, c.endpoint, err)
	}
	a.method, a.url = http.MethodPost, at.url+a.url
	return i.Client.unsigned(ctx, c, func(ctx context.Context) error {
		err := i.Client.rest(ctx, c, a, out)
		if err == nil && onSuccess != nil {
			onSuccess()
		}
		return err
	})
}

// baseURL returns the URL of the OIDC service, without a trailing slash. It returns "" if the region is invalid.
func (i IDC) baseURL() string {
	at, _ := serviceOIDC.address(i.Target)
	return at.url
}

// EndpointName returns the endpoint's name for errors.
func (i IDC) EndpointName() string { return serviceOIDC.endpointName(i.Target) }
