package source

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"aws-vault/vault/awsapi"
	"aws-vault/vault/plan"
	"aws-vault/vault/signin"
	"aws-vault/vault/store"
)

// Errors of Identity Center after which a new sign-in can succeed.
var (
	errGrantRejected  = errors.New("the code or token is no longer accepted")
	errClientRejected = errors.New("the client registration is no longer accepted")
)

// defaultScope allows a program to use all roles of the user.
// https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-sso.html
const defaultScope = "sso:account:access"

func scopesOf(s plan.SSO) []string {
	if len(s.Scopes) == 0 {
		return []string{defaultScope}
	}
	return s.Scopes
}

// registeredRedirect is the redirect URI in the client registration. A sign-in may use the same URI with any port.
const registeredRedirect = "http://127.0.0.1" + signin.CallbackPath

// idc returns the client for the sign-in service.
func (s SSO) idc() awsapi.IDC {
	return awsapi.IDC{
		Client: s.deps.AWS, Target: awsapi.Target{Region: s.to.Region, Endpoint: awsapi.Endpoint(s.to.OIDC)}, StartURL: cmp.Or(s.startURL, s.to.StartURL),
	}
}

// signIn signs the user in. The parameter refused is the ID of a client registration that Identity Center no longer
// knows, or empty. If Identity Center refuses the registration during the sign-in, signIn registers once more.
func (s SSO) signIn(ctx context.Context, refused string, exchange *store.Exchange) (t ssoToken, err error) {
	if err := exchange.Prepare(ctx); err != nil && !isUnwritable(err) { // if the keystore cannot be written, the token is used only by this process
		return t, err
	}
	if s, err = s.resolveStartURL(ctx); err != nil {
		return t, err
	}
	ctx, v, err := s.deps.beginSignIn(ctx, s.to.StartURL, s.deps.User.Unattended)
	if err != nil {
		return t, err
	}
	for range 2 {
		var c awsapi.IDCClient
		if c, err = s.registration(ctx, refused); err != nil {
			break
		}
		if s.deps.User.UseDevice {
			t, err = s.deviceFlow(ctx, v, c, exchange)
		} else {
			t, err = s.browserFlow(ctx, v, c, exchange)
		}
		if !errors.Is(err, errClientRejected) {
			break
		}
		refused = c.ID
	}
	return t, v.end(err)
}

// resolveStartURL follows the redirects of an organization's own start URL to the start URL that AWS knows.
func (s SSO) resolveStartURL(ctx context.Context) (SSO, error) {
	start, region, err := s.deps.AWS.ResolveStartURL(ctx, s.to.OIDC.CABundle, s.to.StartURL)
	if err != nil {
		return s, err
	}
	if region != "" && region != s.to.Region {
		return s, fmt.Errorf("sso_start_url %s redirects to %s in region %s, but sso_region is %s", s.to.StartURL, start, region, s.to.Region)
	}
	s.startURL = start
	return s, nil
}

// registration returns the stored client registration, or registers a new client. The parameter refused is the ID of a
// registration that must not be returned. The browser and device flows have separate registrations.
func (s SSO) registration(ctx context.Context, refused string) (awsapi.IDCClient, error) {
	d, flow := s.deps, "browser"
	if d.User.UseDevice {
		flow = "device"
	}
	stored, warnings, err := d.Tokens.Get(ctx, store.TokenRequest{
		Name: plan.Fingerprint("aws-vault SSO registration 1", string(s.to.TokenDigest()), flow), Question: "the registration with " + s.to.StartURL,
		Usable: func(k store.Token) bool {
			c, ok := decode[awsapi.IDCClient](k)
			return ok && clientValid(c, d.AWS.Clock.Local()) && c.ID != refused
		},
		Create: func(ctx context.Context, _ store.Token, _ *store.Exchange) (store.Token, error) {
			if c, ok := s.cliRegistration(); ok && c.ID != refused {
				return encode(KindSSOClient, s.to.Label(), time.Time{}, c), nil
			}
			c, err := s.register(ctx)
			return encode(KindSSOClient, s.to.Label(), c.Expires, c), err
		},
	})
	d.warn(warnings)
	c, _ := decode[awsapi.IDCClient](stored)
	return c, err
}

// register registers aws-vault as a client of Identity Center.
func (s SSO) register(ctx context.Context) (awsapi.IDCClient, error) {
	in := awsapi.Registration{
		Name: "aws-vault", Type: "public", Scopes: scopesOf(s.to), Grants: []string{awsapi.GrantDevice, awsapi.GrantRefresh},
	}
	if !s.deps.User.UseDevice {
		in.Grants = []string{awsapi.GrantCode, awsapi.GrantRefresh}
		in.Redirects, in.Issuer = []string{registeredRedirect}, s.idc().StartURL
	}
	c, err := s.idc().RegisterClient(ctx, in)
	return c, classify(err)
}

// cliRegistration returns the AWS CLI's client registration, but only for the device flow. It is not known whether
// the registration allows the browser flow. If the registration does not allow it, only the browser shows the
// error, and aws-vault cannot detect the error.
func (s SSO) cliRegistration() (awsapi.IDCClient, bool) {
	t, ok := s.cliToken()
	c := awsapi.IDCClient{ID: t.ClientID, Secret: t.ClientSecret, Expires: t.RegistrationExpiresAt}
	return c, ok && s.deps.User.UseDevice && clientValid(c, s.deps.AWS.Clock.Local())
}

// browserFlow signs the user in with a browser on this machine. If the user must confirm the sign-in, it is stored
// only after the confirmation.
func (s SSO) browserFlow(ctx context.Context, v *signInAttempt, c awsapi.IDCClient, exchange *store.Exchange) (t ssoToken, err error) {
	page := func(p signin.Proof, redirect string) string {
		return s.idc().AuthorizeURL(awsapi.AuthorizeRequest{ClientID: c.ID, Scopes: scopesOf(s.to), RedirectURI: redirect, State: p.State, CodeChallenge: p.Challenge})
	}
	show := func(page string) error { return v.openSignInPage(s.to.StartURL, page) }
	err = signin.WithBrowser(ctx, s.deps.User.callbackOptions(), page, show, func(g signin.Grant) error {
		if !g.PeerVerified {
			exchange = nil
		}
		grant := awsapi.Grant{Type: awsapi.GrantCode, Code: g.Code, Verifier: g.Verifier, Redirect: g.Redirect}
		if t, err = s.exchange(ctx, c, grant, rand.Text(), exchange); err != nil || g.PeerVerified {
			return err
		}
		who, err := s.describeUser(ctx, t)
		if err != nil {
			return err
		}
		return s.deps.confirm(ctx, g, s.to.StartURL, who)
	})
	if err != nil {
		return ssoToken{}, err
	}
	return t, nil
}

// deviceFlow signs the user in with a code, in a browser on any machine.
func (s SSO) deviceFlow(ctx context.Context, v *signInAttempt, c awsapi.IDCClient, exchange *store.Exchange) (ssoToken, error) {
	response, err := s.idc().StartDeviceAuthorization(ctx, c)
	if err != nil {
		return ssoToken{}, classify(err)
	}
	code := signin.DeviceCode{
		Secret: response.Secret, User: response.UserCode, URL: response.URL, Complete: response.CompleteURL,
		Lasts: response.ExpiresIn, Interval: response.Interval,
	}
	if err := v.showDeviceCode(s.to.StartURL, code); err != nil {
		return ssoToken{}, err
	}
	return pollDeviceCode(ctx, s.deps, code, func(ctx context.Context) (ssoToken, error) {
		return s.exchange(ctx, c, awsapi.Grant{Type: awsapi.GrantDevice, Device: code.Secret}, rand.Text(), exchange)
	})
}

// exchange exchanges a grant for tokens. If the parameter to is not nil, the tokens are stored at once.
func (s SSO) exchange(ctx context.Context, c awsapi.IDCClient, g awsapi.Grant, signIn string, to *store.Exchange) (ssoToken, error) {
	g.ID, g.Secret = c.ID, c.Secret
	made := func(t awsapi.Tokens) ssoToken {
		return ssoToken{Access: t.Access, Refresh: t.Refresh, Client: c, Expires: t.Expires, SignIn: signIn}
	}
	idc := s.idc()
	ctx, end, err := s.deps.beginExchange(ctx, idc.EndpointName())
	if err != nil {
		return ssoToken{}, err
	}
	defer end()
	t, err := idc.CreateToken(ctx, g, func(t awsapi.Tokens) {
		if to != nil {
			to.Save(made(t).encode(s.to))
		}
	})
	if err != nil {
		return ssoToken{}, classify(err)
	}
	return made(t), nil
}

// A classifiedError is an error of Identity Center together with its meaning for a sign-in.
type classifiedError struct {
	class error
	err   error
}

func (e *classifiedError) Error() string {
	if signin.NotCompleted(e.class) {
		return e.class.Error()
	}
	return e.err.Error()
}

func (e *classifiedError) Unwrap() []error { return []error{e.class, e.err} }

// classify returns an Identity Center error as a classifiedError. The class shows what the error means for a sign-in:
// it is errGrantRejected, errClientRejected or an error of package signin. classify returns other errors unchanged.
func classify(err error) error {
	var api *awsapi.APIError
	if !errors.As(err, &api) {
		return err
	}
	switch api.Code {
	case "AuthorizationPendingException":
		return &classifiedError{signin.ErrPending, err}
	case "SlowDownException":
		return &classifiedError{signin.ErrSlowDown, err}
	case "ExpiredTokenException":
		return &classifiedError{signin.ErrTimeout, err}
	case "AccessDeniedException":
		return &classifiedError{signin.ErrDenied, err}
	case "InvalidGrantException":
		return &classifiedError{errGrantRejected, err}
	case "InvalidClientException", "UnauthorizedClientException":
		return &classifiedError{errClientRejected, err}
	}
	return err
}
