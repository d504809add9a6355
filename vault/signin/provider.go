package signin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

// A Client is the registration of aws-vault with an OIDC provider.
type Client struct {
	Issuer string // URL of the issuer, exactly as in the provider's configuration
	ID     string
	Secret string // secret of the client; empty for a public client
	HTTP   *http.Client
	Now    func() time.Time
}

// A Provider is an OIDC provider with the configuration that it publishes.
// https://openid.net/specs/openid-connect-discovery-1_0.html
type Provider struct {
	client Client
	keys   *keySet // public keys of the provider; nil before FetchKeys
	metadata
}

// metadata contains the parts of a provider's configuration that aws-vault uses.
type metadata struct {
	Authorize   string   `json:"authorization_endpoint"`
	Token       string   `json:"token_endpoint"`
	Device      string   `json:"device_authorization_endpoint"`
	Revocation  string   `json:"revocation_endpoint"`
	Keys        string   `json:"jwks_uri"`
	Scopes      []string `json:"scopes_supported"`
	Methods     []string `json:"token_endpoint_auth_methods_supported"`
	SendsIssuer bool     `json:"authorization_response_iss_parameter_supported"`
}

// ConfigurationError reports that a provider's configuration cannot be used.
type ConfigurationError struct {
	Issuer       string
	Reason       string
	ActualIssuer string // issuer in the configuration, if it is not the expected issuer
}

func (e *ConfigurationError) Error() string {
	return fmt.Sprintf("the configuration of %s: %s", e.Issuer, e.Reason)
}

// Discover fetches the provider's configuration. It returns a [*ConfigurationError], or an error of the HTTP
// client.
func (c Client) Discover(ctx context.Context) (*Provider, error) {
	found, err := oidc.NewProvider(oidc.ClientContext(ctx, c.HTTP), c.Issuer)
	var other *oidc.IssuerMismatchError
	var sending *url.Error
	switch {
	case errors.As(err, &other):
		real := oneLine(other.Discovered)
		return nil, &ConfigurationError{c.Issuer, fmt.Sprintf("the issuer in the provider's configuration is %q, expected exactly the configured issuer", real), real}
	case errors.As(err, &sending):
		return nil, err
	case err != nil:
		return nil, &ConfigurationError{Issuer: c.Issuer, Reason: oneLine(err.Error())}
	}
	p := &Provider{client: c}
	if err := found.Claims(&p.metadata); err != nil {
		return nil, &ConfigurationError{Issuer: c.Issuer, Reason: "it does not follow the OpenID Connect standard"}
	}
	return p, p.check()
}

// check returns an error if an endpoint is missing or is not protected by TLS.
func (p *Provider) check() error {
	for _, e := range []struct {
		name, url string
		needed    bool
	}{
		{"authorization_endpoint", p.Authorize, false}, {"token_endpoint", p.Token, true}, {"jwks_uri", p.Keys, true},
		{"device_authorization_endpoint", p.Device, false}, {"revocation_endpoint", p.Revocation, false},
	} {
		switch {
		case e.url == "" && e.needed:
			return &ConfigurationError{Issuer: p.client.Issuer, Reason: e.name + " is missing"}
		case e.url != "" && !p.isSecure(e.url):
			return &ConfigurationError{Issuer: p.client.Issuer, Reason: e.name + " is not an https URL"}
		}
	}
	return nil
}

// isSecure reports whether an endpoint uses HTTPS. Plain HTTP is accepted on this machine if the issuer is on
// this machine too.
func (p *Provider) isSecure(endpoint string) bool {
	u, err := url.Parse(endpoint)
	if err != nil || u.Hostname() == "" || u.User != nil {
		return false
	}
	return u.Scheme == "https" || u.Scheme == "http" && strings.HasPrefix(p.client.Issuer, "http://") && isLoopback(u.Hostname())
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// SupportsBrowser reports whether the provider supports sign-ins with a browser.
func (p *Provider) SupportsBrowser() bool { return p.Authorize != "" }

// SupportsDevice reports whether the provider supports sign-ins with a device code.
func (p *Provider) SupportsDevice() bool { return p.Device != "" }

// Issuer returns the issuer that the redirect of a sign-in must name. It is empty if the provider does not send its
// issuer.
func (p *Provider) Issuer() string {
	if p.SendsIssuer {
		return p.client.Issuer
	}
	return ""
}

// scopes returns the scopes to request: openid and the wanted scopes. If no scopes are wanted, it returns openid,
// and also email and offline_access if the provider supports them.
func (p *Provider) scopes(wanted []string) string {
	if len(wanted) > 0 {
		if !slices.Contains(wanted, oidc.ScopeOpenID) {
			wanted = append([]string{oidc.ScopeOpenID}, wanted...)
		}
		return strings.Join(wanted, " ")
	}
	all := []string{oidc.ScopeOpenID}
	for _, scope := range []string{"email", oidc.ScopeOfflineAccess} {
		if slices.Contains(p.Scopes, scope) {
			all = append(all, scope)
		}
	}
	return strings.Join(all, " ")
}

// Page returns the URL of the sign-in page. It contains no secret.
func (p *Provider) Page(proof Proof, redirect string, scopes []string) string {
	separator := "?"
	if strings.Contains(p.Authorize, "?") {
		separator = "&"
	}
	return p.Authorize + separator + url.Values{
		"response_type": {"code"}, "client_id": {p.client.ID}, "redirect_uri": {redirect}, "scope": {p.scopes(scopes)},
		"state": {proof.State}, "nonce": {proof.Nonce}, "code_challenge": {proof.Challenge}, "code_challenge_method": {"S256"},
	}.Encode()
}

// DeviceCode requests a code for a sign-in on another machine.
// https://www.rfc-editor.org/rfc/rfc8628#section-3.1
func (p *Provider) DeviceCode(ctx context.Context, scopes []string) (DeviceCode, error) {
	var out struct {
		Secret   string  `json:"device_code"`
		User     string  `json:"user_code"`
		URL      string  `json:"verification_uri"`
		Complete string  `json:"verification_uri_complete"`
		Lasts    float64 `json:"expires_in"`
		Interval float64 `json:"interval"`
	}
	if err := p.post(ctx, "device_authorization_endpoint", p.Device, url.Values{"scope": {p.scopes(scopes)}}, &out); err != nil {
		return DeviceCode{}, err
	}
	if out.Secret == "" || out.User == "" || out.URL == "" {
		return DeviceCode{}, &GrantError{Issuer: p.client.Issuer, Endpoint: "device_authorization_endpoint", Description: "a response without a code"}
	}
	return DeviceCode{
		Secret: out.Secret, User: out.User, URL: out.URL, Complete: out.Complete, Lasts: seconds(out.Lasts), Interval: seconds(out.Interval),
	}, nil
}

// seconds converts a number of seconds in a server's response to a duration from 0 to maxLifetime.
func seconds(n float64) time.Duration {
	return time.Duration(max(0, min(n, maxLifetime.Seconds())) * float64(time.Second))
}

// Tokens are the tokens in a response of the token endpoint.
type Tokens struct {
	ID      string `json:"id_token"`      // ID token, which is not verified yet
	Refresh string `json:"refresh_token"` // refresh token; empty if the response has none
}

// Exchange exchanges the code of a browser sign-in for tokens.
func (p *Provider) Exchange(ctx context.Context, g Grant) (Tokens, error) {
	return p.requestTokens(ctx, url.Values{"grant_type": {"authorization_code"}, "code": {g.Code}, "code_verifier": {g.Verifier}, "redirect_uri": {g.Redirect}})
}

// Poll asks the provider once whether the user has entered the code. If not, it returns ErrPending or ErrSlowDown.
func (p *Provider) Poll(ctx context.Context, c DeviceCode) (Tokens, error) {
	return p.requestTokens(ctx, url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}, "device_code": {c.Secret}})
}

// Refresh exchanges a refresh token for new tokens. If the response contains a new refresh token, it replaces the old
// one. The response may lack an ID token.
func (p *Provider) Refresh(ctx context.Context, token string) (Tokens, error) {
	return p.requestTokens(ctx, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}})
}

func (p *Provider) requestTokens(ctx context.Context, form url.Values) (t Tokens, err error) {
	err = p.post(ctx, "token_endpoint", p.Token, form, &t)
	return t, err
}

// Revoke revokes a refresh token, if the provider has a revocation endpoint.
// https://www.rfc-editor.org/rfc/rfc7009
func (p *Provider) Revoke(ctx context.Context, token string) error {
	if p.Revocation == "" {
		return nil
	}
	return p.post(ctx, "revocation_endpoint", p.Revocation, url.Values{"token": {token}, "token_type_hint": {"refresh_token"}}, nil)
}

// decode decodes a JSON object. The argument into points to the variable that receives the result. If into is nil,
// decode does nothing.
func decode(body []byte, into any) error {
	if into == nil {
		return nil
	}
	return json.Unmarshal(body, into)
}
