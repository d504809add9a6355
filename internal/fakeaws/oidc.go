package fakeaws

import (
	"crypto/hmac"
	"crypto/sha256"
	"net/url"
	"slices"
	"time"
)

const (
	deviceGrant  = "urn:ietf:params:oauth:grant-type:device_code"
	codeGrant    = "authorization_code"
	refreshGrant = "refresh_token"

	clientLifetime = 90 * 24 * time.Hour
	signInLifetime = 10 * time.Minute
)

// oidcClient is a registered client of IAM Identity Center.
type oidcClient struct {
	id, secret string
	scopes     []string
	grants     []string
	redirects  []string
	issuer     string
	expires    time.Time
}

func (c *oidcClient) may(grant string) bool { return slices.Contains(c.grants, grant) }

// registerClient implements RegisterClient. If the call names no grant types, the client can use device codes and
// refresh tokens.
// https://docs.aws.amazon.com/singlesignon/latest/OIDCAPIReference/API_RegisterClient.html
func (a *AWS) registerClient(r *request) (any, error) {
	p := r.params
	if p.Get("clientName") == "" {
		return nil, refuse(400, "InvalidRequestException", "clientName is missing")
	}
	if p.Get("clientType") != "public" {
		return nil, refuse(400, "InvalidClientMetadataException", "clientType must be public")
	}
	c := &oidcClient{scopes: p["scopes"], grants: p["grantTypes"], redirects: p["redirectUris"], issuer: p.Get("issuerUrl")}
	if len(c.grants) == 0 {
		c.grants = []string{deviceGrant, refreshGrant}
	}
	for _, grant := range c.grants {
		if !slices.Contains([]string{deviceGrant, codeGrant, refreshGrant}, grant) {
			return nil, refuse(400, "UnsupportedGrantTypeException", "grant type %s is not supported", grant)
		}
	}
	if c.may(codeGrant) && (len(c.redirects) == 0 || a.sso.portals[portalKey(c.issuer)] == nil) {
		return nil, refuse(400, "InvalidClientMetadataException", "authorization_code needs redirectUris and a known issuerUrl")
	}
	for _, redirect := range c.redirects {
		if u, err := url.Parse(redirect); err != nil || u.Scheme != "http" || u.Port() != "" || !loopback(u) {
			return nil, refuse(400, "InvalidRedirectUriException", "%s is not a loopback address without a port", redirect)
		}
	}
	c.id, c.secret, c.expires = a.id("client-"), secret(a.id("oidc-")), r.now.Add(clientLifetime)
	a.sso.clients[c.id] = c
	return map[string]any{
		"clientId": c.id, "clientSecret": c.secret,
		"clientIdIssuedAt": r.now.Unix(), "clientSecretExpiresAt": c.expires.Unix(),
	}, nil
}

func loopback(u *url.URL) bool {
	return slices.Contains([]string{"127.0.0.1", "::1", "localhost"}, u.Hostname())
}

// client returns the registered client that a call names.
func (a *AWS) client(r *request) (*oidcClient, error) {
	c := a.sso.clients[r.params.Get("clientId")]
	if c == nil || !hmac.Equal([]byte(c.secret), []byte(r.params.Get("clientSecret"))) {
		return nil, refuse(401, "InvalidClientException", "Invalid client")
	}
	if !r.now.Before(c.expires) {
		return nil, refuse(401, "InvalidClientException", "The client's registration has expired")
	}
	return c, nil
}

// startDeviceAuthorization implements StartDeviceAuthorization.
func (a *AWS) startDeviceAuthorization(r *request) (any, error) {
	c, err := a.client(r)
	if err != nil {
		return nil, err
	}
	if !c.may(deviceGrant) {
		return nil, refuse(400, "UnauthorizedClientException", "The client did not register for device codes")
	}
	s := a.sso.portals[portalKey(r.params.Get("startUrl"))]
	if s == nil {
		return nil, refuse(400, "InvalidRequestException", "Invalid startUrl")
	}
	id := a.id("")
	g := &signIn{client: c, portal: s, userCode: id[1:5] + "-" + id[5:9], expires: r.now.Add(signInLifetime)}
	code := "EXAMPLE-device-code-" + id
	a.sso.grants[code] = g
	page := a.url + "/device"
	return map[string]any{
		"deviceCode": code, "userCode": g.userCode, "verificationUri": page,
		"verificationUriComplete": page + "?user_code=" + g.userCode,
		"expiresIn":               int(signInLifetime / time.Second), "interval": int(s.interval / time.Second),
	}, nil
}

// createToken implements CreateToken.
func (a *AWS) createToken(r *request) (any, error) {
	c, err := a.client(r)
	if err != nil {
		return nil, err
	}
	grant := r.params.Get("grantType")
	take := map[string]func(*request, *oidcClient) (*accessToken, error){
		deviceGrant: a.fromDevice, codeGrant: a.fromCode, refreshGrant: a.fromRefresh,
	}[grant]
	if take == nil {
		return nil, refuse(400, "UnsupportedGrantTypeException", "grant type %q is not supported", grant)
	}
	if !c.may(grant) {
		return nil, refuse(400, "UnauthorizedClientException", "The client did not register for %s", grant)
	}
	t, err := take(r, c)
	if err != nil {
		return nil, err
	}
	out := map[string]any{
		"accessToken": t.access, "tokenType": "Bearer", "expiresIn": int(t.expires.Sub(r.now) / time.Second),
	}
	if t.refresh != "" && !(grant == refreshGrant && t.portal.keepRefresh) {
		out["refreshToken"] = t.refresh
	}
	return out, nil
}

func badGrant(format string, args ...any) *refusal {
	return refuse(400, "InvalidGrantException", format, args...)
}

// fromDevice returns tokens for a device code, if the sign-in is approved.
// https://www.rfc-editor.org/rfc/rfc8628#section-3.5
func (a *AWS) fromDevice(r *request, c *oidcClient) (*accessToken, error) {
	code := r.params.Get("deviceCode")
	g := a.sso.grants[code]
	if g == nil || g.client != c || g.userCode == "" {
		return nil, badGrant("Invalid device code")
	}
	last := g.polled
	g.polled = r.now
	switch {
	case !r.now.Before(g.expires):
		return nil, refuse(400, "ExpiredTokenException", "The device code has expired")
	case !last.IsZero() && r.now.Sub(last) < g.portal.interval:
		return nil, refuse(400, "SlowDownException", "Polled again after %s, want %s", r.now.Sub(last), g.portal.interval)
	case !g.decided && !g.portal.auto:
		return nil, refuse(400, "AuthorizationPendingException", "The sign-in has not been approved yet")
	case g.decided && !g.approved:
		return nil, refuse(400, "AccessDeniedException", "The request was denied")
	}
	delete(a.sso.grants, code)
	return a.sso.token(g.portal, c, r.now), nil
}

// fromCode exchanges an authorization code for tokens. A code works once, and only for the client that started the
// sign-in.
// https://www.rfc-editor.org/rfc/rfc7636#section-4.6
func (a *AWS) fromCode(r *request, c *oidcClient) (*accessToken, error) {
	code := r.params.Get("code")
	g := a.sso.grants[code]
	if g == nil || g.client != c || g.userCode != "" || !r.now.Before(g.expires) {
		return nil, badGrant("Invalid code")
	}
	delete(a.sso.grants, code)
	sum := sha256.Sum256([]byte(r.params.Get("codeVerifier")))
	if base64url.EncodeToString(sum[:]) != g.challenge {
		return nil, badGrant("The code verifier does not match the challenge")
	}
	if r.params.Get("redirectUri") != g.redirect {
		return nil, badGrant("redirectUri is not the one that the code was sent to")
	}
	return a.sso.token(g.portal, c, r.now), nil
}

// fromRefresh exchanges a refresh token for a new access token.
func (a *AWS) fromRefresh(r *request, c *oidcClient) (*accessToken, error) {
	old := a.sso.refresh[r.params.Get("refreshToken")]
	if old == nil || old.client != c {
		return nil, badGrant("Invalid refresh token")
	}
	if old.portal.keepRefresh {
		t := *old
		t.access, t.expires = "EXAMPLE-access-token-"+a.id(""), r.now.Add(old.portal.lifetime)
		a.sso.access[t.access] = &t
		return &t, nil
	}
	delete(a.sso.refresh, old.refresh)
	return a.sso.token(old.portal, c, r.now), nil
}
