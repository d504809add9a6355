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

// A Client is this program as an OpenID provider knows it.
type Client struct {
	Issuer string // as the provider itself writes it
	ID     string
	Secret string // empty for a public client
	HTTP   *http.Client
	Now    func() time.Time
}

// A Provider is an OpenID provider as its own configuration describes it.
// https://openid.net/specs/openid-connect-discovery-1_0.html
type Provider struct {
	client Client
	keys   *keySet // nil before FetchKeys
	metadata
}

// metadata is what is read of the configuration.
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

// ConfigurationError is returned for a provider whose configuration cannot be used.
type ConfigurationError struct {
	Issuer       string
	Reason       string
	ActualIssuer string // the issuer that the configuration is of, where that is another
}

func (e *ConfigurationError) Error() string {
	return fmt.Sprintf("the configuration of %s: %s", e.Issuer, e.Reason)
}

// Discover fetches the provider's configuration. It fails with a [*ConfigurationError], or
// with what the HTTP client returned.
func (c Client) Discover(ctx context.Context) (*Provider, error) {
	found, err := oidc.NewProvider(oidc.ClientContext(ctx, c.HTTP), c.Issuer)
	var other *oidc.IssuerMismatchError
	var sending *url.Error
	switch {
	case errors.As(err, &other):
		real := oneLine(other.Discovered)
		return nil, &ConfigurationError{c.Issuer, fmt.Sprintf("it is that of %q, want the issuer letter for letter", real), real}
	case errors.As(err, &sending):
		return nil, err
	case err != nil:
		return nil, &ConfigurationError{Issuer: c.Issuer, Reason: oneLine(err.Error())}
	}
	p := &Provider{client: c}
	if err := found.Claims(&p.metadata); err != nil {
		return nil, &ConfigurationError{Issuer: c.Issuer, Reason: "it is not written as the standard says"}
	}
	return p, p.check()
}

// check refuses endpoints that somebody on the way could answer as.
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
			return &ConfigurationError{Issuer: p.client.Issuer, Reason: e.name + " is not a URL with https"}
		}
	}
	return nil
}

// isSecure takes https, and plain HTTP within this machine where the issuer is on it.
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

// SupportsBrowser reports whether one signs in to the provider with a browser.
func (p *Provider) SupportsBrowser() bool { return p.Authorize != "" }

// SupportsDevice reports whether one signs in to the provider with a code.
func (p *Provider) SupportsDevice() bool { return p.Device != "" }

// Issuer is what an answer that a browser brings has to name; empty where the provider does
// not promise to.
func (p *Provider) Issuer() string {
	if p.SendsIssuer {
		return p.client.Issuer
	}
	return ""
}

// scopes are those to ask for: the ones wanted, or else what the provider has of a name, an
// address and a way to go on.
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

// Page is the address of the sign-in page. It holds no secret.
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

// DeviceCode asks for a code that a person types.
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
		return DeviceCode{}, &GrantError{Issuer: p.client.Issuer, Endpoint: "device_authorization_endpoint", Description: "an answer without a code"}
	}
	return DeviceCode{
		Secret: out.Secret, User: out.User, URL: out.URL, Complete: out.Complete, Lasts: seconds(out.Lasts), Interval: seconds(out.Interval),
	}, nil
}

// seconds keeps what a server says within what is believed of one.
func seconds(n float64) time.Duration {
	return time.Duration(max(0, min(n, maxLifetime.Seconds())) * float64(time.Second))
}

// Tokens are what a grant was traded for.
type Tokens struct {
	ID      string `json:"id_token"`      // not verified
	Refresh string `json:"refresh_token"` // empty for none
}

// Exchange gives the code that a browser brought for tokens.
func (p *Provider) Exchange(ctx context.Context, g Grant) (Tokens, error) {
	return p.requestTokens(ctx, url.Values{"grant_type": {"authorization_code"}, "code": {g.Code}, "code_verifier": {g.Verifier}, "redirect_uri": {g.Redirect}})
}

// Poll asks once whether the person has typed the code. It returns ErrPending or
// ErrSlowDown where they have not.
func (p *Provider) Poll(ctx context.Context, c DeviceCode) (Tokens, error) {
	return p.requestTokens(ctx, url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}, "device_code": {c.Secret}})
}

// Refresh trades a refresh token. What comes back may have another, which then takes its
// place, and may have no ID token.
func (p *Provider) Refresh(ctx context.Context, token string) (Tokens, error) {
	return p.requestTokens(ctx, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}})
}

func (p *Provider) requestTokens(ctx context.Context, form url.Values) (t Tokens, err error) {
	err = p.post(ctx, "token_endpoint", p.Token, form, &t)
	return t, err
}

// Revoke ends a refresh token, and with it what it was renewing, where the provider has a
// way to.
// https://www.rfc-editor.org/rfc/rfc7009
func (p *Provider) Revoke(ctx context.Context, token string) error {
	if p.Revocation == "" {
		return nil
	}
	return p.post(ctx, "revocation_endpoint", p.Revocation, url.Values{"token": {token}, "token_type_hint": {"refresh_token"}}, nil)
}

// decode reads an answer that is an object of JSON.
func decode(body []byte, into any) error {
	if into == nil {
		return nil
	}
	return json.Unmarshal(body, into)
}
