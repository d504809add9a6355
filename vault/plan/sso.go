package plan

import "aws-vault/vault/profile"

// SSORole is the Spec of a role that IAM Identity Center gives to a person who is
// signed in.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-sso-credentials.html
type SSORole struct {
	Session  string   `json:"sso_session,omitempty"`
	StartURL string   `json:"sso_start_url"`
	Region   string   `json:"sso_region"`
	Account  string   `json:"sso_account_id"`
	Role     string   `json:"sso_role_name"`
	Scopes   []string `json:"sso_registration_scopes,omitempty"`
}

func (r SSORole) encode(e *encoder) {
	e.text(r.Session)
	e.text(r.StartURL)
	e.text(r.Region)
	e.text(r.Account)
	e.text(r.Role)
	e.set(r.Scopes)
}

// Args names the portal, the account and the role.
func (r SSORole) Args() []Arg {
	return []Arg{{"portal", r.StartURL}, {"account", r.Account}, {"role", r.Role}}
}

func ssoRole(c *chain, q *profile.Profile) (Step, bool, error) {
	if !q.Set("sso_start_url") {
		return Step{}, false, nil
	}
	for _, want := range []string{"sso_region", "sso_account_id", "sso_role_name"} {
		if !q.Set(want) {
			return Step{}, false, &MissingSettingError{Origin: q.Value("sso_start_url").Origin, Has: "sso_start_url", Wants: want}
		}
	}
	return Step{
		Kind: KindSSO, Profile: q.Name, Yields: Yield{Role, Yes}, Keep: true,
		Region: q.Text("sso_region"), Endpoint: serviceEndpoint(q, "sso"),
		Why:  "IAM Identity Center gives the role to whoever is signed in",
		From: settings(q, "sso_session", "sso_start_url", "sso_region", "sso_account_id", "sso_role_name"),
		Spec: SSORole{
			Session: q.Text("sso_session"), StartURL: q.Text("sso_start_url"), Region: q.Text("sso_region"),
			Account: q.Text("sso_account_id"), Role: q.Text("sso_role_name"), Scopes: q.List("sso_registration_scopes"),
		},
	}, true, nil
}
