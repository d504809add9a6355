package source

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"aws-vault/vault/plan"
	"aws-vault/vault/signin"
	"aws-vault/vault/store"
)

// What IAM Identity Center refuses that a sign-in mends.
var (
	errGrant  = errors.New("the token or code is not taken any more")
	errClient = errors.New("the registration is not taken any more")
)

// defaultScope lets a program take the roles that its user may take.
// https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-sso.html
const defaultScope = "sso:account:access"

func scopesOf(s plan.SSO) []string {
	if len(s.Scopes) == 0 {
		return []string{defaultScope}
	}
	return s.Scopes
}

// The grants that tokens are had for.
// https://docs.aws.amazon.com/singlesignon/latest/OIDCAPIReference/API_CreateToken.html
const (
	grantCode    = "authorization_code"
	grantDevice  = "urn:ietf:params:oauth:grant-type:device_code"
	grantRefresh = "refresh_token"
)

// registeredRedirect is where answers may be brought; its port is free.
const registeredRedirect = "http://127.0.0.1" + signin.CallbackPath

// register makes this program known to IAM Identity Center.
func (d *Deps) register(ctx context.Context, s plan.SSO) (oidcClient, error) {
	in := registration{
		Name: "aws-vault", Type: "public", Scopes: scopesOf(s), Grants: []string{grantDevice, grantRefresh},
	}
	if !d.Person.Device {
		in.Grants = []string{grantCode, grantRefresh}
		in.Redirects, in.Issuer = []string{registeredRedirect}, s.StartURL
	}
	var out struct {
		ID      string `json:"clientId"`
		Secret  string `json:"clientSecret"`
		Expires int64  `json:"clientSecretExpiresAt"` // seconds of Unix time
	}
	if err := d.oidc(ctx, s, call{action: "RegisterClient"}, "/client/register", in, &out, nil); err != nil {
		return oidcClient{}, err
	}
	if out.ID == "" || out.Secret == "" {
		return oidcClient{}, fmt.Errorf("RegisterClient: %s answered without a registration", oidcPlace(s))
	}
	return oidcClient{ID: out.ID, Secret: out.Secret, Expires: time.Unix(out.Expires, 0).UTC()}, nil
}

// A registration is what a program says of itself.
// https://docs.aws.amazon.com/singlesignon/latest/OIDCAPIReference/API_RegisterClient.html
type registration struct {
	Name      string   `json:"clientName"`
	Type      string   `json:"clientType"`
	Scopes    []string `json:"scopes"`
	Grants    []string `json:"grantTypes"`
	Redirects []string `json:"redirectUris,omitempty"`
	Issuer    string   `json:"issuerUrl,omitempty"`
}

// authorizeURL is the page on which a person lets this program in. It holds no secret.
func authorizeURL(s plan.SSO, c oidcClient, p signin.Proof, redirect string) string {
	return oidcBase(s) + "/authorize?" + url.Values{
		"response_type": {"code"}, "client_id": {c.ID}, "redirect_uri": {redirect}, "state": {p.State},
		"code_challenge": {p.Challenge}, "code_challenge_method": {"S256"}, "scopes": {strings.Join(scopesOf(s), " ")},
	}.Encode()
}

// deviceCode asks for a code that a person types.
func (d *Deps) deviceCode(ctx context.Context, s plan.SSO, c oidcClient) (signin.DeviceCode, error) {
	in := map[string]string{"clientId": c.ID, "clientSecret": c.Secret, "startUrl": s.StartURL}
	var out struct {
		Secret   string        `json:"deviceCode"`
		User     string        `json:"userCode"`
		URL      string        `json:"verificationUri"`
		Complete string        `json:"verificationUriComplete"`
		Lasts    time.Duration `json:"expiresIn"` // in seconds, as is the next
		Interval time.Duration `json:"interval"`
	}
	if err := d.oidc(ctx, s, call{action: "StartDeviceAuthorization", secret: c.Secret}, "/device_authorization", in, &out, nil); err != nil {
		return signin.DeviceCode{}, err
	}
	return signin.DeviceCode{
		Secret: out.Secret, User: out.User, URL: out.URL, Complete: out.Complete,
		Lasts: out.Lasts * time.Second, Interval: out.Interval * time.Second,
	}, nil
}

// A grant is what a token is traded for.
type grant struct {
	ID       string `json:"clientId"`
	Secret   string `json:"clientSecret"`
	Type     string `json:"grantType"`
	Code     string `json:"code,omitempty"`
	Verifier string `json:"codeVerifier,omitempty"`
	Redirect string `json:"redirectUri,omitempty"`
	Device   string `json:"deviceCode,omitempty"`
	Refresh  string `json:"refreshToken,omitempty"`
}

func codeGrant(g signin.Grant) grant {
	return grant{Type: grantCode, Code: g.Code, Verifier: g.Verifier, Redirect: g.Redirect}
}

func deviceGrant(c signin.DeviceCode) grant { return grant{Type: grantDevice, Device: c.Secret} }

func refreshGrant(token string) grant { return grant{Type: grantRefresh, Refresh: token} }

// trade gives a grant for tokens of a sign-in. They are stored when they come, unless to is nil.
// Where no refresh token is among them, the one that was traded goes on.
func (d *Deps) trade(ctx context.Context, s plan.SSO, c oidcClient, g grant, signIn string, to *store.Trade) (t ssoToken, err error) {
	g.ID, g.Secret = c.ID, c.Secret
	carried := call{action: "CreateToken", secrets: []string{c.Secret, g.Code, g.Verifier, g.Device, g.Refresh}}
	began := d.Clock.Local()
	var out struct {
		Access  string        `json:"accessToken"`
		Refresh string        `json:"refreshToken"`
		Lasts   time.Duration `json:"expiresIn"` // in seconds
	}
	err = d.traded(ctx, oidcPlace(s), func(ctx context.Context) error {
		return d.oidc(ctx, s, carried, "/token", g, &out, func() {
			t = ssoToken{Access: out.Access, Refresh: cmp.Or(out.Refresh, g.Refresh), Client: c, Expires: began.Add(out.Lasts * time.Second).UTC(), SignIn: signIn}
			if to != nil && (out.Access != "" && out.Lasts > 0 || out.Refresh != "") {
				to.Keep(t.encode(s))
			}
		})
	})
	if err == nil && (out.Access == "" || out.Lasts <= 0) {
		err = fmt.Errorf("CreateToken: %s answered without a token", oidcPlace(s))
	}
	return t, err
}

// oidc makes a call of those that sign in, and then first of all what came says. What a sign-in
// goes by comes back as an error of package signin's, or as errGrant or errClient.
func (d *Deps) oidc(ctx context.Context, s plan.SSO, c call, path string, in, out any, came func()) error {
	hc, err := d.clientFor(s.OIDC, formJSON)
	if err != nil {
		return err
	}
	c.about, c.place = s.StartURL, oidcPlace(s)
	at, err := serviceOIDC.at(s.Region, s.OIDC)
	if err != nil {
		return fmt.Errorf("%s at %s: %w", c.action, c.place, err)
	}
	var outcome error
	err = d.unsigned(ctx, c, func(ctx context.Context) error {
		err := d.rest(ctx, hc, ask{method: http.MethodPost, url: at.url + path, in: in}, out)
		if err == nil && came != nil {
			came()
		}
		outcome = meaning(err)
		return err
	})
	if err != nil && outcome != nil {
		return &meantError{outcome, err}
	}
	return err
}

// meantError is a refusal that a sign-in knows what to do about.
type meantError struct {
	meant error
	err   error
}

func (e *meantError) Error() string {
	if signin.Over(e.meant) {
		return e.meant.Error()
	}
	return e.err.Error()
}

func (e *meantError) Unwrap() []error { return []error{e.meant, e.err} }

// meaning returns what a refusal is to a sign-in; nil for nothing in particular.
func meaning(err error) error {
	var no *refusal
	if !errors.As(err, &no) {
		return nil
	}
	switch no.code {
	case "AuthorizationPendingException":
		return signin.ErrPending
	case "SlowDownException":
		return signin.ErrSlowDown
	case "ExpiredTokenException":
		return signin.ErrTimeout
	case "AccessDeniedException":
		return signin.ErrDenied
	case "InvalidGrantException":
		return errGrant
	case "InvalidClientException", "UnauthorizedClientException":
		return errClient
	}
	return nil
}

// oidcBase is the address that sign-ins begin at, without a slash at its end. That of a
// region which is none is never called.
func oidcBase(s plan.SSO) string {
	at, _ := serviceOIDC.at(s.Region, s.OIDC)
	return at.url
}

func oidcPlace(s plan.SSO) string { return serviceOIDC.place(s.Region, s.OIDC) }
