package source

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssooidc"
	"github.com/aws/aws-sdk-go-v2/service/ssooidc/types"

	"aws-vault/vault/plan"
	"aws-vault/vault/signin"
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
	in := &ssooidc.RegisterClientInput{
		ClientName: aws.String("aws-vault"), ClientType: aws.String("public"), Scopes: scopesOf(s),
		GrantTypes: []string{grantDevice, grantRefresh},
	}
	if !d.Person.Device {
		in.GrantTypes = []string{grantCode, grantRefresh}
		in.RedirectUris, in.IssuerUrl = []string{registeredRedirect}, aws.String(s.StartURL)
	}
	var out *ssooidc.RegisterClientOutput
	err := d.oidc(ctx, s, call{action: "RegisterClient"}, func(ctx context.Context, client *ssooidc.Client) (err error) {
		out, err = client.RegisterClient(ctx, in)
		return err
	})
	if err != nil {
		return oidcClient{}, err
	}
	c := oidcClient{ID: aws.ToString(out.ClientId), Secret: aws.ToString(out.ClientSecret), Expires: time.Unix(out.ClientSecretExpiresAt, 0).UTC()}
	if c.ID == "" || c.Secret == "" {
		return oidcClient{}, fmt.Errorf("RegisterClient: %s answered without a registration", oidcPlace(s))
	}
	return c, nil
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
	var out *ssooidc.StartDeviceAuthorizationOutput
	err := d.oidc(ctx, s, call{action: "StartDeviceAuthorization", secret: c.Secret}, func(ctx context.Context, client *ssooidc.Client) (err error) {
		out, err = client.StartDeviceAuthorization(ctx, &ssooidc.StartDeviceAuthorizationInput{
			ClientId: &c.ID, ClientSecret: &c.Secret, StartUrl: &s.StartURL,
		})
		return err
	})
	if err != nil {
		return signin.DeviceCode{}, err
	}
	return signin.DeviceCode{
		Secret: aws.ToString(out.DeviceCode), User: aws.ToString(out.UserCode), URL: aws.ToString(out.VerificationUri),
		Complete: aws.ToString(out.VerificationUriComplete), Lasts: seconds32(out.ExpiresIn), Interval: seconds32(out.Interval),
	}, nil
}

func seconds32(n int32) time.Duration { return time.Duration(n) * time.Second }

func codeGrant(g signin.Grant) *ssooidc.CreateTokenInput {
	return &ssooidc.CreateTokenInput{GrantType: aws.String(grantCode), Code: &g.Code, CodeVerifier: &g.Verifier, RedirectUri: &g.Redirect}
}

func deviceGrant(c signin.DeviceCode) *ssooidc.CreateTokenInput {
	return &ssooidc.CreateTokenInput{GrantType: aws.String(grantDevice), DeviceCode: &c.Secret}
}

func refreshGrant(token string) *ssooidc.CreateTokenInput {
	return &ssooidc.CreateTokenInput{GrantType: aws.String(grantRefresh), RefreshToken: &token}
}

// trade gives a grant for tokens.
func (d *Deps) trade(ctx context.Context, s plan.SSO, c oidcClient, in *ssooidc.CreateTokenInput) (ssoToken, error) {
	in.ClientId, in.ClientSecret = &c.ID, &c.Secret
	carried := call{action: "CreateToken", secrets: []string{
		c.Secret, aws.ToString(in.Code), aws.ToString(in.CodeVerifier), aws.ToString(in.DeviceCode), aws.ToString(in.RefreshToken),
	}}
	began := d.Clock.Local()
	var out *ssooidc.CreateTokenOutput
	err := d.oidc(ctx, s, carried, func(ctx context.Context, client *ssooidc.Client) (err error) {
		out, err = client.CreateToken(ctx, in)
		return err
	})
	if err != nil {
		return ssoToken{}, err
	}
	if aws.ToString(out.AccessToken) == "" || out.ExpiresIn <= 0 {
		return ssoToken{}, fmt.Errorf("CreateToken: %s answered without a token", oidcPlace(s))
	}
	return ssoToken{
		Access: *out.AccessToken, Refresh: aws.ToString(out.RefreshToken), Client: c,
		Expires: began.Add(seconds32(out.ExpiresIn)).UTC(),
	}, nil
}

// oidc makes a call of those that sign in. What a sign-in goes by comes back as an error
// of package signin's, or as errGrant or errClient.
func (d *Deps) oidc(ctx context.Context, s plan.SSO, c call, act func(context.Context, *ssooidc.Client) error) error {
	hc, err := d.clientFor(s.OIDC, formJSON)
	if err != nil {
		return err
	}
	c.about, c.place = s.StartURL, oidcPlace(s)
	client := d.oidcClient(s, hc)
	var outcome error
	err = d.unsigned(ctx, c, func(ctx context.Context) error {
		err := act(ctx, client)
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
	var (
		pending *types.AuthorizationPendingException
		slow    *types.SlowDownException
		expired *types.ExpiredTokenException
		denied  *types.AccessDeniedException
		grant   *types.InvalidGrantException
		client  *types.InvalidClientException
		unknown *types.UnauthorizedClientException
	)
	switch {
	case errors.As(err, &pending):
		return signin.ErrPending
	case errors.As(err, &slow):
		return signin.ErrSlowDown
	case errors.As(err, &expired):
		return signin.ErrTimeout
	case errors.As(err, &denied):
		return signin.ErrDenied
	case errors.As(err, &grant):
		return errGrant
	case errors.As(err, &client), errors.As(err, &unknown):
		return errClient
	}
	return nil
}

func (d *Deps) oidcClient(s plan.SSO, hc *http.Client) *ssooidc.Client {
	o := ssooidc.Options{Region: s.Region, HTTPClient: hc, AppID: "aws-vault", Retryer: d.retryer(), DisableClockSkewCorrection: true}
	if s.OIDC.URL != "" {
		o.BaseEndpoint = aws.String(s.OIDC.URL)
	}
	if s.OIDC.FIPS {
		o.EndpointOptions.UseFIPSEndpoint = aws.FIPSEndpointStateEnabled
	}
	if s.OIDC.DualStack {
		o.EndpointOptions.UseDualStackEndpoint = aws.DualStackEndpointStateEnabled
	}
	return ssooidc.New(o)
}

// oidcBase is the address that sign-ins begin at, without a slash at its end.
func oidcBase(s plan.SSO) string {
	if s.OIDC.URL != "" {
		return strings.TrimRight(s.OIDC.URL, "/")
	}
	p := ssooidc.EndpointParameters{Region: &s.Region, UseFIPS: &s.OIDC.FIPS, UseDualStack: &s.OIDC.DualStack}
	if e, err := ssooidc.NewDefaultEndpointResolverV2().ResolveEndpoint(context.Background(), p); err == nil {
		return strings.TrimRight(e.URI.String(), "/")
	}
	return "https://oidc." + s.Region + ".amazonaws.com"
}

func oidcPlace(s plan.SSO) string { return siteOf(oidcBase(s)) }
