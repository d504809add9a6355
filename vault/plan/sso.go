package plan

import (
	"crypto/sha256"
	"net/url"

	"aws-vault/vault/profile"
)

// SSORole is the Spec of a role that IAM Identity Center gives to a person who is
// signed in.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-sso-credentials.html
type SSORole struct {
	SSO
	Account string `json:"sso_account_id"`
	Role    string `json:"sso_role_name"`
	SignIn  string `json:"-"` // which sign-in it is: another person's is another; empty while nobody is signed in
}

// SSO is what a person signs in to: one portal of IAM Identity Center, under one name.
type SSO struct {
	Session  string   `json:"sso_session,omitempty"`
	StartURL string   `json:"sso_start_url"`
	Region   string   `json:"sso_region"`
	Scopes   []string `json:"sso_registration_scopes,omitempty"`
	OIDC     Endpoint `json:"oidc_endpoint,omitzero"` // where one signs in; the portal itself has the step's
}

func (s SSO) encode(e *encoder) {
	e.text(s.Session)
	e.text(s.StartURL)
	e.text(s.Region)
	e.set(s.Scopes)
	s.OIDC.encode(e)
}

// Token returns the name of the token that a sign-in gives: profiles which name the same
// session share it.
func (s SSO) Token() Digest {
	e := encoder{hash: sha256.New()}
	e.text("aws-vault SSO token 1")
	s.encode(&e)
	return e.digest()
}

// CacheName is what the AWS CLI keeps the token of this sign-in under.
func (s SSO) CacheName() string {
	if s.Session != "" {
		return s.Session
	}
	return s.StartURL
}

// Label is what its user knows the sign-in by: the session's name, or else the portal's
// host.
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

// Args names the portal, the account and the role.
func (r SSORole) Args() []Arg {
	return []Arg{{"portal", r.StartURL}, {"account", r.Account}, {"role", r.Role}}
}

func ssoRole(b *builder, q *profile.Profile) (Step, bool, error) {
	if !q.Set("sso_start_url") {
		return Step{}, false, nil
	}
	for _, want := range []string{"sso_region", "sso_account_id", "sso_role_name"} {
		if !q.Set(want) {
			return Step{}, false, &MissingSettingError{Origin: q.Value("sso_start_url").Origin, Has: "sso_start_url", Wants: want}
		}
	}
	sso, portal, err := Portal(q)
	return Step{
		Kind: KindSSO, Profile: q.Name, Yields: Yield{Role, Yes}, Keep: true,
		Region: q.Text("sso_region"), Endpoint: portal,
		Why:  "IAM Identity Center gives the role to whoever is signed in",
		From: settings(q, "sso_session", "sso_start_url", "sso_region", "sso_account_id", "sso_role_name"),
		Spec: SSORole{SSO: sso, Account: q.Text("sso_account_id"), Role: q.Text("sso_role_name"), SignIn: b.holdings.SignIns[sso.Token()]},
	}, true, err
}

// Portal returns what the settings of p say to sign in to, and where the portal is
// called. It fails with a [*MissingSettingError] for a portal without its region, and
// with a [*NoPortalError] for settings that name none.
func Portal(p *profile.Profile) (SSO, Endpoint, error) {
	switch {
	case !p.Set("sso_start_url"):
		return SSO{}, Endpoint{}, &NoPortalError{Profile: p.Name}
	case !p.Set("sso_region"):
		return SSO{}, Endpoint{}, &MissingSettingError{Origin: p.Value("sso_start_url").Origin, Has: "sso_start_url", Wants: "sso_region"}
	}
	return SSO{
		Session: p.Text("sso_session"), StartURL: p.Text("sso_start_url"), Region: p.Text("sso_region"),
		Scopes: p.List("sso_registration_scopes"), OIDC: serviceEndpoint(p, "sso_oidc"),
	}, serviceEndpoint(p, "sso"), nil
}
