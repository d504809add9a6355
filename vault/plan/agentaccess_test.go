package plan

import (
	"strings"
	"testing"

	"aws-vault/vault/profile"
)

func agentRules(t testing.TB, config string) profile.AgentRules {
	t.Helper()
	f, err := profile.Parse("config", config)
	if err != nil {
		t.Fatal(err)
	}
	return profile.ReadAgentRules(f, nil)
}

// The requested profile is always profile a. For each role in its chain, the strictest rule applies, no
// matter which profile sets the rule.
func TestAgentRulesApplyToRoles(t *testing.T) {
	const (
		prod     = "arn:aws:iam::123456789012:role/prod"
		mine     = "[profile a]\nsource_profile = m\nrole_arn = " + prod + "\n"
		readOnly = "stored key|assume role ReadOnlyAccess" + tagged
		denied   = "error: config:2: agent_access = deny forbids coding agents to use role " + prod + " (AGENT is set, so a coding agent runs aws-vault)"
		anywhere = "trust_anchor_arn = arn:aws:rolesanywhere:eu-west-1:123456789012:trust-anchor/a\nrolesanywhere_profile_arn = arn:aws:rolesanywhere:eu-west-1:123456789012:profile/p\ncertificate = c\nprivate_key = k\n"
	)
	rule := func(access, settings string) string { return "agent_access = " + access + "\n" + settings }
	for _, tt := range []struct {
		name string
		prod string // the first section; if it has no header, the test adds [profile prod]
		rest string
		then string // a role to assume after the chain; empty for none
		want string
	}{
		{"no other profile", "", mine, "", readOnly},
		{"the same role", rule("deny", "role_arn = "+prod), mine, "", denied},
		{"another case", rule("deny", "role_arn = arn:aws:iam::123456789012:role/PROD"), mine, "", denied},
		{"another path", rule("deny", "role_arn = arn:aws:iam::123456789012:role/team/prod"), mine, "", denied},
		{"another partition", rule("deny", "role_arn = arn:aws-cn:iam::123456789012:role/prod"), mine, "", denied},
		{"another account", rule("deny", "role_arn = arn:aws:iam::210987654321:role/prod"), mine, "", readOnly},
		{"opened by itself", rule("deny", "role_arn = "+prod), mine + "agent_access = off\n", "", denied},
		{"included", rule("deny", "include_profile = base\n[profile base]\nrole_arn = "+prod), mine, "", denied},
		{"the limit is included", "role_arn = " + prod + "\ninclude_profile = base\n[profile base]\n" + rule("deny", ""), mine, "", strings.Replace(denied, ":2:", ":5:", 1)},
		{"in [default]", "[default]\n" + rule("deny", "role_arn = "+prod), mine + "agent_access = off\n", "", denied},
		{"from [default]", "[default]\n" + rule("deny", "[profile prod]\nrole_arn = "+prod), mine + "agent_access = off\n", "", "stored key|assume role"},
		{"from [profile default]", "[profile default]\n" + rule("deny", "[profile prod]\nrole_arn = "+prod), mine + "agent_access = off\n", "", "stored key|assume role"},
		{"[default] for the profile that sets nothing", "[default]\n" + rule("deny", ""), mine, "", "error: config:2: agent_access = deny forbids coding agents to use profile a (AGENT is set, so a coding agent runs aws-vault)"},
		{"off, but not for a profile that sets nothing", rule("off", "role_arn = "+prod), mine, "", readOnly},
		{"a policy for the role", rule("careful", "role_arn = "+prod), mine, "", "stored key|assume role careful" + tagged},
		{"a policy for a role that is open here", rule("careful", "role_arn = "+prod), mine + "agent_access = off\n", "", "stored key|assume role careful" + tagged},
		{"the same policy", rule("careful", "role_arn = "+prod), mine + "agent_access = careful\n", "", "stored key|assume role careful" + tagged},
		{"two policies", rule("careful", "role_arn = "+prod), mine + "agent_access = read-only\n", "",
			"error: agent_access sets two policies for role " + prod + ": careful (config:2) and read-only (config:7), expected one"},
		{"two policies, closed by a third", rule("careful", "role_arn = "+prod+"\n[profile third]\nrole_arn = "+prod+"\nagent_access = deny"), mine + "agent_access = read-only\n", "",
			strings.Replace(denied, ":2:", ":6:", 1)},
		{"cannot be read", "role_arn = " + prod + "\nagent_access deny", mine, "",
			"error: profile prod cannot be read, but it may forbid coding agents to use role " + prod + `: config:3: found a line without "=" or ":", expected KEY = VALUE`},
		{"another that cannot be read", "role_arn = arn:aws:iam::123456789012:role/other\nagent_access deny", mine, "", readOnly},
		{"includes nothing", "role_arn = " + prod + "\ninclude_profile = nobody", mine + "[profile b]\nagent_access = off\n[profile a]\n", "",
			"error: profile prod cannot be read, but it may forbid coding agents to use role " + prod + `: config:3: include_profile is "nobody", expected the name of an existing profile`},

		{"on the way", rule("deny", "role_arn = "+prod), "[profile hub]\nsource_profile = m\nrole_arn = " + prod + "\n[profile a]\nsource_profile = hub\nagent_access = off\n" + role + "a\n", "", denied},
		{"a policy on the way", rule("careful", "role_arn = "+prod), "[profile hub]\nsource_profile = m\nrole_arn = " + prod + "\n[profile a]\nsource_profile = hub\nagent_access = off\n" + role + "a\n", "",
			"stored key|assume role chain" + tagged + "|assume role careful for goose"},
		{"two policies in a chain", rule("careful", "role_arn = "+prod), "[profile hub]\nsource_profile = m\nrole_arn = " + prod + "\n[profile a]\nsource_profile = hub\n" + role + "a\n", "",
			"error: agent_access sets two policies for the chain of profile a: careful (config:2) and read-only (agent_access is not set in profile a), expected one"},
		{"two of three policies in a chain", "", "[profile base]\nsource_profile = m\nagent_access = read-only\n" + role + "base\n[profile hub]\nsource_profile = base\nagent_access = wall\n" + role + "hub\n[profile a]\nsource_profile = hub\nagent_access = careful\n" + role + "a\n", "",
			"error: agent_access sets two policies for the chain of profile a: careful (config:13) and read-only (config:5), expected one"},
		{"two policies that combine", rule("fence", "role_arn = "+prod), "[profile hub]\nsource_profile = m\nrole_arn = " + prod + "\n[profile a]\nsource_profile = hub\n" + role + "a\n", "",
			"stored key|assume role chain" + tagged + "|assume role inline ReadOnlyAccess for goose"},
		{"a key on the way", "", "[profile m]\nagent_access = deny\n[profile a]\nsource_profile = m\nagent_access = off\n" + role + "a\n", "",
			"error: config:4: agent_access = deny forbids coding agents to use profile m (AGENT is set, so a coding agent runs aws-vault)"},
		{"the key of [default]", "", "[default]\nagent_access = deny\n[profile a]\nsource_profile = default\nagent_access = off\n" + role + "a\n", "", "stored key|assume role"},
		{"beyond a stored key", "", "[profile x]\nagent_access = off\n[profile m]\nsource_profile = x\n[profile a]\nsource_profile = m\n", "", "stored key|federation token ReadOnlyAccess for goose"},

		{"on top", rule("deny", "role_arn = "+prod), "[profile a]\nsource_profile = m\nagent_access = off\n" + role + "a\n", prod, denied},
		{"a policy on top", rule("careful", "role_arn = "+prod), "[profile a]\nsource_profile = m\nagent_access = off\n" + role + "a\n", prod,
			"stored key|assume role chain" + tagged + "|assume role careful for goose"},
		{"on top of what is limited", rule("off", "role_arn = "+prod), "[profile a]\nsource_profile = m\n" + role + "a\n", prod,
			"stored key|assume role chain" + tagged + "|assume role ReadOnlyAccess for goose"},
		{"on top, open", rule("off", "role_arn = "+prod), "[profile a]\nsource_profile = m\nagent_access = off\n" + role + "a\n", prod, "stored key|assume role|assume role"},
		{"on top, from [default]", "[default]\n" + rule("deny", ""), "[profile a]\nsource_profile = m\nagent_access = off\n" + role + "a\n", prod, denied},
		{"on top, open in spite of [default]", "[default]\n" + rule("deny", "[profile prod]\nagent_access = off\nrole_arn = "+prod), "[profile a]\nsource_profile = m\nagent_access = off\n" + role + "a\n", prod,
			"stored key|assume role|assume role"},

		{"Identity Center", rule("deny", "sso_start_url = https://other.awsapps.com/start\nsso_region = eu-west-1\nsso_account_id = 123456789012\nsso_role_name = Dev"), "[profile a]\nagent_access = off\n" + sso, "",
			"error: config:2: agent_access = deny forbids coding agents to use role Dev of account 123456789012 (AGENT is set, so a coding agent runs aws-vault)"},
		{"the role of Identity Center", rule("deny", "login_session = arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Dev_0123456789abcdef/alice"), "[profile a]\nagent_access = off\n" + sso, "",
			"error: config:2: agent_access = deny forbids coding agents to use role Dev of account 123456789012 (AGENT is set, so a coding agent runs aws-vault)"},
		{"a sign-in", rule("deny", "login_session = arn:aws:iam::123456789012:user/alice"), "[profile a]\nagent_access = off\nlogin_session = arn:aws:iam::123456789012:user/alice\n", "",
			"error: config:2: agent_access = deny forbids coding agents to use arn:aws:iam::123456789012:user/alice (AGENT is set, so a coding agent runs aws-vault)"},
		{"a web identity", rule("deny", "role_arn = "+prod), "[profile a]\nagent_access = off\nweb_identity_token_file = t\nrole_arn = " + prod + "\n", "", denied},
		{"an OIDC role", rule("deny", "role_arn = "+prod), "[profile a]\nagent_access = off\noidc_issuer = https://id.example.com\noidc_client_id = aws\nrole_arn = " + prod + "\n", "", denied},
		{"a signed identity", rule("deny", "role_arn = "+prod), "[identity me]\nidentity_issuer = https://id.example.com/me\nidentity_subject = me@example.com\n[profile a]\nagent_access = off\nidentity = me\nrole_arn = " + prod + "\n", "", denied},
		{"Roles Anywhere", rule("deny", "role_arn = "+prod), "[profile a]\nagent_access = off\nrole_arn = " + prod + "\n" + anywhere, "", denied},
		{"a process", "", "[profile a]\nagent_access = off\ncredential_process = p\n", "", "credential process for goose"},
	} {
		config := tt.prod + "\n" + tt.rest
		if !strings.HasPrefix(tt.prod, "[") {
			config = "[profile prod]\n" + config
		}
		h := stored("m")
		if strings.Contains(tt.rest, "= default\n") {
			h = stored("default")
		}
		h.Policies = map[string]string{"file://careful": careful}
		h.Named = map[string]NamedPolicy{"careful": {Text: careful}, "fence": {Text: fence}, "wall": {Text: wall}}
		f, err := profile.Parse("config", config)
		if err != nil {
			t.Fatal(err)
		}
		h.Agents = profile.ReadAgentRules(f, nil)
		p, err := f.Resolve("a", profile.Inputs{})
		if err != nil {
			t.Fatal(tt.name, err)
		}
		o := Options{Agent: goose, SessionName: "n"}
		if tt.then != "" {
			o.ExtraRoles = []string{tt.then}
		}
		pl, err := Make(p, h, o)
		got := limits(pl)
		if err != nil {
			got = "error: " + err.Error()
		}
		if got != tt.want {
			t.Errorf("%s:\n%s\n%s\nwant\n%s", tt.name, config, got, tt.want)
		}
	}
}
