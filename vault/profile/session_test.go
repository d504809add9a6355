package profile

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

const oidcSessions = `[oidc-session corp]
oidc_issuer = https://id.example.com
oidc_client_id = aws
oidc_flow = browser
oidc_redirect_ports = 8000,18000
role_session_name_claim = email
[oidc-session other]
oidc_issuer = https://other.example.com
`

// For settings of the provider, the oidc-session section has priority. For settings of the sign-in flow,
// the profile has priority.
func TestOIDCSession(t *testing.T) {
	for _, tt := range []struct {
		name, own, included string
		want                map[string]string
	}{
		{"all from the section", "oidc_session = corp", "", map[string]string{
			"oidc_issuer": "https://id.example.com", "oidc_client_id": "aws", "oidc_flow": "browser", "role_session_name_claim": "email"}},
		{"the same client in both", "oidc_session = corp\noidc_client_id = aws", "", map[string]string{"oidc_client_id": "aws"}},
		{"the section's client beats an included one", "oidc_session = corp", "oidc_client_id = mine", map[string]string{"oidc_client_id": "aws"}},
		{"nothing leaks into a section", "oidc_session = other", "oidc_client_id = mine\noidc_audience = x",
			map[string]string{"oidc_issuer": "https://other.example.com", "oidc_client_id": "", "oidc_audience": ""}},
		{"the profile's flow and claim count", "oidc_session = corp\noidc_flow = device\nrole_session_name_claim = upn", "",
			map[string]string{"oidc_flow": "device", "role_session_name_claim": "upn"}},
		{"the section's flow beats an included one", "oidc_session = corp", "oidc_flow = device", map[string]string{"oidc_flow": "browser"}},
		{"an own issuer beats an included section", "oidc_issuer = https://own.example.com", "oidc_session = corp",
			map[string]string{"oidc_session": "", "oidc_issuer": "https://own.example.com", "oidc_client_id": ""}},
		{"an own name beats an included claim", "role_session_name = alice", "role_session_name_claim = email",
			map[string]string{"role_session_name": "alice", "role_session_name_claim": ""}},
		{"one port beats included ports", "oidc_redirect_port = 8000", "oidc_redirect_ports = 1,2",
			map[string]string{"oidc_redirect_port": "8000", "oidc_redirect_ports": ""}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := config(t, oidcSessions+"[profile p]\ninclude_profile = mixin\n"+tt.own+"\n[profile mixin]\n"+tt.included+"\n")
			p := resolve(t, f, "p", Inputs{})
			for name, want := range tt.want {
				if got := p.Text(name); got != want {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
		})
	}
	f := config(t, oidcSessions)
	if got := f.OIDCSessions(); !slices.Equal(got, []string{"corp", "other"}) {
		t.Errorf("sessions %q", got)
	}
	p := resolve(t, f, "p", Inputs{Flags: map[string]Flag{"oidc_session": {Name: "SESSION", Text: "corp"}}, Env: env(map[string]string{"AWS_VAULT_OIDC_FLOW": "device"})})
	if p.Text("oidc_flow") != "device" || p.Text("oidc_client_id") != "aws" {
		t.Errorf("flow %q, client %q", p.Text("oidc_flow"), p.Text("oidc_client_id"))
	}
}

func TestOIDCSessionErrors(t *testing.T) {
	_, err := config(t, oidcSessions+"[profile p]\noidc_session = crop\n").Resolve("p", Inputs{})
	var missing *MissingError
	if !errors.As(err, &missing) || !strings.Contains(err.Error(), "expected the name of an existing oidc-session section, such as corp") {
		t.Errorf("got %v", err)
	}
	_, err = config(t, "[oidc-session s]\noidc_issuer = id.example.com\n[profile p]\noidc_session = s\n").Resolve("p", Inputs{})
	var value *ValueError
	if !errors.As(err, &value) || value.Origin.Line != 2 {
		t.Errorf("got %v", err)
	}
	unknown := config(t, "[oidc-session s]\noidc_isuer = x\n").Unknown()
	if len(unknown) != 1 || unknown[0].Near != "oidc_issuer" {
		t.Errorf("unknown keys %v", unknown)
	}
}

// A profile must not contradict the section that it names, as with the AWS CLI.
func TestProfileContradictsSession(t *testing.T) {
	sections := "[sso-session s]\nsso_start_url = https://corp.awsapps.com/start\nsso_region = eu-west-1 # home\n" +
		"[oidc-session s]\noidc_issuer = https://id.example.com\n[identity s]\nidentity_subject = alice\n[profile p]\n"
	for own, want := range map[string]string{
		"sso_session = s\nsso_start_url = https://corp.awsapps.com/start\nsso_region = eu-west-1": "",
		"sso_session = s\nsso_registration_scopes = sso:account:access":                           "",
		"sso_session = s\nsso_start_url = https://lab.awsapps.com/start": `config:10: sso_start_url is "https://lab.awsapps.com/start", ` +
			`expected "https://corp.awsapps.com/start" as in config:2, because the profile sets sso_session`,
		"sso_region = us-east-1\nsso_session = s":                                                          `config:9: sso_region is "us-east-1", expected "eu-west-1" as in config:3, because the profile sets sso_session`,
		"oidc_session = s\noidc_issuer = https://other.example.com":                                        `config:10: oidc_issuer is "https://other.example.com", expected "https://id.example.com" as in config:5, because the profile sets oidc_session`,
		"identity = s\nidentity_subject = bob":                                                             `config:10: identity_subject is "bob", expected "alice" as in config:7, because the profile sets identity`,
		"include_profile = q\nsso_session = s\n[profile q]\nsso_start_url = https://lab.awsapps.com/start": "",
	} {
		_, err := config(t, sections+own+"\n").Resolve("p", Inputs{})
		var value *ValueError
		switch {
		case want == "" && err != nil, want != "" && (!errors.As(err, &value) || err.Error() != want):
			t.Errorf("%q: %v\nwant %s", own, err, want)
		}
	}
	in := Inputs{Credentials: credentials(t, "[p]\nsso_region = us-east-1\n")}
	if _, err := config(t, sections+"sso_session = s\n").Resolve("p", in); err == nil || !strings.HasPrefix(err.Error(), "credentials:2: sso_region is") {
		t.Errorf("the credentials file contradicts the section: %v", err)
	}
}
