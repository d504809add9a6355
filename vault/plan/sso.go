package plan

import (
	"crypto/sha256"
	"net/url"
	"strings"

	"aws-vault/vault/printable"
	"aws-vault/vault/profile"
)

// SSORole is the Spec of a role that IAM Identity Center grants to a user who is signed in.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-sso-credentials.html
type SSORole struct {
	SSO
	Account string `json:"sso_account_id"`
	Role    string `json:"sso_role_name"`
	// identifies the sign-in; empty while no user is signed in. Different sign-ins do not share sessions.
	SignIn string `json:"-"`
}

// SSO describes a sign-in to a portal of IAM Identity Center.
type SSO struct {
	Session  string   `json:"sso_session,omitempty"`
	StartURL string   `json:"sso_start_url"`
	Region   string   `json:"sso_region"`
	Scopes   []string `json:"sso_registration_scopes,omitempty"`
	// the endpoint for signing in; calls to the portal use the endpoint of the step
	OIDC Endpoint `json:"oidc_endpoint,omitzero"`
}

func (s SSO) encode(e *encoder) {
	portal := s.StartURL
	if s.Session == "" {
		portal = strings.TrimRight(portal, "#/") // a copied address often ends in "#/", but names the same portal
	}
	e.text(s.Session)
	e.text(portal)
	e.text(s.Region)
	e.set(s.Scopes)
	s.OIDC.encode(e)
}

// TokenDigest returns the cache key of the sign-in's token. Profiles that name the same sso-session share the token,
// and so do profiles without a session whose start URLs differ only in "/" or "#" at the end.
func (s SSO) TokenDigest() Digest {
	e := encoder{hash: sha256.New()}
	e.text("aws-vault SSO token 1")
	s.encode(&e)
	return e.digest()
}

// CacheName returns the name under which the AWS CLI caches the token of this sign-in.
func (s SSO) CacheName() string {
	if s.Session != "" {
		return s.Session
	}
	return s.StartURL
}

// Label returns the name of the sign-in for messages: the session's name, or the host of the
// portal.
func (s SSO) Label() string {
	if s.Session != "" {
		return s.Session
	}
	if u, err := url.Parse(s.StartURL); err == nil && u.Host != "" {
		return u.Host
	}
	return s.StartURL
}

func (r SSORole) encode(e *encoder) {
	r.SSO.encode(e)
	e.text(r.Account)
	e.text(r.Role)
	e.text(r.SignIn)
	e.text(r.OIDC.CABundle)
}

// Args lists the portal, the account and the role.
func (r SSORole) Args() []Arg {
	return []Arg{{"portal", r.StartURL}, {"account", r.Account}, {"role", r.Role}}
}

func ssoRole(b *builder, q *profile.Profile) (Step, bool, error) {
	found := firstSet(q, ssoSettings...)
	switch {
	case found == "":
		return Step{}, false, nil // as in the AWS CLI, a portal without account and role is no source of credentials
	case !q.Set("sso_start_url") && !q.Set("sso_session"):
		return Step{}, false, missingSetting(q, found, "sso_session")
	case !q.Set("sso_start_url"):
		return Step{}, false, missingSetting(q, "sso_session", "sso_start_url")
	case !q.Set("sso_region"):
		return Step{}, false, missingSetting(q, "sso_start_url", "sso_region")
	case !q.Set("sso_account_id"):
		return Step{}, false, missingSetting(q, found, "sso_account_id")
	case !q.Set("sso_role_name"):
		return Step{}, false, missingSetting(q, found, "sso_role_name")
	}
	sso, portal, err := Portal(q)
	if err != nil {
		return Step{}, false, err
	}
	return Step{
		Kind: KindSSO, Profile: q.Name, Yields: Yield{Role, Yes}, Cacheable: true,
		Region: q.Text("sso_region"), Endpoint: portal,
		Why:      "IAM Identity Center grants the role to the user who is signed in",
		Settings: settings(q, "sso_session", "sso_start_url", "sso_region", "sso_account_id", "sso_role_name"),
		Spec:     SSORole{SSO: sso, Account: q.Text("sso_account_id"), Role: q.Text("sso_role_name"), SignIn: b.holdings.SignIns[sso.TokenDigest()]},
	}, true, nil
}

// ssoSettings are the settings that select Identity Center as the source of credentials.
var ssoSettings = []string{"sso_account_id", "sso_role_name"}

// checkSignInOnly returns an error if q names a portal of Identity Center, but no account and no role. Call it if q has
// no other source of credentials.
func checkSignInOnly(q *profile.Profile) error {
	if found := firstSet(q, "sso_session", "sso_start_url"); found != "" {
		return missingSetting(q, found, "sso_account_id")
	}
	return nil
}

// firstSet returns the first of the settings that q sets, or "" if q sets none of them.
func firstSet(q *profile.Profile, names ...string) string {
	for _, name := range names {
		if q.Set(name) {
			return name
		}
	}
	return ""
}

// Portal returns the sign-in that the settings of p describe, and the endpoint of the portal. It
// fails with a [*MissingSettingError] if the region is missing, and with a [*NoPortalError] if the
// settings name no portal.
func Portal(p *profile.Profile) (SSO, Endpoint, error) {
	switch {
	case !p.Set("sso_start_url"):
		return SSO{}, Endpoint{}, &NoPortalError{Profile: p.Name}
	case !p.Set("sso_region"):
		return SSO{}, Endpoint{}, missingSetting(p, "sso_start_url", "sso_region")
	}
	return SSO{
		Session: p.Text("sso_session"), StartURL: printable.URL(p.Text("sso_start_url")), Region: p.Text("sso_region"),
		Scopes: p.List("sso_registration_scopes"), OIDC: serviceEndpoint(p, "sso_oidc"),
	}, serviceEndpoint(p, "sso"), nil
}
