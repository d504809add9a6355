package plan

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"aws-vault/vault/profile"
)

// resolve parses the text of a config file and resolves the profile name.
func resolve(t testing.TB, config, name string, env map[string]string) *profile.Profile {
	t.Helper()
	f, err := profile.Parse("config", []byte(config))
	if err != nil {
		t.Fatal(err)
	}
	p, err := f.Resolve(name, profile.Inputs{Env: func(k string) (string, bool) { v, ok := env[k]; return v, ok }})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func stored(names ...string) Holdings {
	h := Holdings{Keys: map[string]string{}}
	for _, n := range names {
		h.Keys[n] = "fingerprint of " + n
	}
	return h
}

// steps returns a text with one line per step: the kind, the duration and the MFA device.
func steps(p Plan) []string {
	var out []string
	for _, s := range p.Steps {
		line := fmt.Sprintf("%s %s", s.Kind, s.Profile)
		if s.Duration > 0 {
			line += " " + formatDuration(s.Duration)
		}
		if s.MFA.Serial != "" {
			line += " +" + s.MFA.Serial
		}
		if s.Cacheable {
			line += " kept"
		}
		out = append(out, line)
	}
	return out
}

const plainKey = "aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = EXAMPLEKEYEXAMPLEKEYEXAMPLEKEYEXAMPLEKEY\n"

const arn = "role_arn = arn:aws:iam::123456789012:role/r\n"

// Each row of the decision table has one kind of profile and the expected plan. The name begins with the row number.
func TestDecisionTable(t *testing.T) {
	for _, tt := range []struct {
		name    string
		config  string // the last profile in config is requested
		stored  string
		options Options
		env     map[string]string
		want    string // the steps, separated by "|"; or the error
	}{
		{name: "1 key", config: "[profile p]\n", stored: "p",
			want: "stored key p|session token p 1h kept"},
		{name: "1 key, -d 2h", config: "[profile p]\n", stored: "p", options: Options{Duration: 2 * time.Hour},
			want: "stored key p|session token p 2h kept"},
		{name: "1 key, AWS_SESSION_TOKEN_TTL", config: "[profile p]\n", stored: "p", env: map[string]string{"AWS_SESSION_TOKEN_TTL": "3h"},
			want: "stored key p|session token p 3h kept"},
		{name: "2 key with MFA", config: "[profile p]\nmfa_serial = m111111111\n", stored: "p",
			want: "stored key p|session token p 1h +m111111111 kept"},
		{name: "3 --no-session", config: "[profile p]\nmfa_serial = m111111111\n", stored: "p", options: Options{NoSession: true},
			want: "stored key p"},
		{name: "4 own role", config: "[profile p]\n" + arn, stored: "p",
			want: "stored key p|assume role p 1h kept"},
		{name: "4 own role with MFA", config: "[profile p]\nmfa_serial = m111111111\n" + arn, stored: "p",
			want: "stored key p|assume role p 1h +m111111111 kept"},
		{name: "4 own role, duration_seconds", config: "[profile p]\nduration_seconds = 7200\n" + arn, stored: "p",
			want: "stored key p|assume role p 2h kept"},
		{name: "5 role on MFA", config: "[profile m]\nmfa_serial = m111111111\n[profile r]\nsource_profile = m\nmfa_serial = m111111111\n" + arn, stored: "m",
			want: "stored key m|session token m 8h +m111111111 kept|assume role r 1h kept"},
		{name: "5 AWS_CHAINED_SESSION_TOKEN_TTL", config: "[profile m]\nmfa_serial = m111111111\n[profile r]\nsource_profile = m\nmfa_serial = m111111111\n" + arn, stored: "m",
			env:  map[string]string{"AWS_CHAINED_SESSION_TOKEN_TTL": "12h"},
			want: "stored key m|session token m 12h +m111111111 kept|assume role r 1h kept"},
		{name: "5 shorter role leaves the session", config: "[profile m]\nmfa_serial = m111111111\n[profile r]\nsource_profile = m\nmfa_serial = m111111111\n" + arn, stored: "m", options: Options{Duration: 15 * time.Minute},
			want: "stored key m|session token m 8h +m111111111 kept|assume role r 15m kept"},
		{name: "6 long role", config: "[profile m]\nmfa_serial = m111111111\n[profile r]\nsource_profile = m\nmfa_serial = m111111111\n" + arn, stored: "m", options: Options{Duration: 2 * time.Hour},
			want: "stored key m|assume role r 2h +m111111111 kept"},
		{name: "6 long role by its profile", config: "[profile m]\nmfa_serial = m111111111\n[profile r]\nsource_profile = m\nmfa_serial = m111111111\nduration_seconds = 7200\n" + arn, stored: "m",
			want: "stored key m|assume role r 2h +m111111111 kept"},
		{name: "7 role without MFA", config: "[profile m]\nmfa_serial = m111111111\n[profile r]\nsource_profile = m\n" + arn, stored: "m",
			want: "stored key m|assume role r 1h kept"},
		{name: "8 MFA on the role alone", config: "[profile m]\n[profile r]\nsource_profile = m\nmfa_serial = m111111111\n" + arn, stored: "m",
			want: "stored key m|assume role r 1h +m111111111 kept"},
		{name: "9 two devices", config: "[profile m]\nmfa_serial = m111111111\n[profile r]\nsource_profile = m\nmfa_serial = m222222222\n" + arn, stored: "m",
			want: "stored key m|assume role r 1h +m222222222 kept"},
		{name: "10 no MFA, cached all the same", config: "[profile m]\n[profile r]\nsource_profile = m\n" + arn, stored: "m",
			want: "stored key m|assume role r 1h kept"},
		{name: "10 -d 4h", config: "[profile m]\n[profile r]\nsource_profile = m\n" + arn, stored: "m", options: Options{Duration: 4 * time.Hour},
			want: "stored key m|assume role r 4h kept"},
		{name: "11 two roles", config: twoRoles, stored: "m",
			want: "stored key m|session token m 8h +m111111111 kept|assume role r1 1h kept|assume role r2 1h kept"},
		{name: "12 two roles, -d 2h", config: twoRoles, stored: "m", options: Options{Duration: 2 * time.Hour},
			want: "stored key m|session token m 8h +m111111111 kept|assume role r1 1h kept|assume role r2 1h kept"},
		{name: "13 two roles, --no-session", config: twoRoles, stored: "m", options: Options{NoSession: true},
			want: "error: config:9: profile r2 requires an MFA code of m111111111, but its role would be assumed with the credentials of profile r1, without a session token, because session tokens are turned off"},
		{name: "14 role on a stored role", config: "[profile mid]\nmfa_serial = m111111111\n" + arn + "[profile top]\nsource_profile = mid\nmfa_serial = m111111111\n" + arn, stored: "mid",
			want: "stored key mid|session token mid 8h +m111111111 kept|assume role mid 1h kept|assume role top 1h kept"},
		{name: "15 child without role", config: "[profile m]\nmfa_serial = m111111111\n[profile c]\nsource_profile = m\nmfa_serial = m111111111\n", stored: "m",
			want: "stored key m|session token m 8h +m111111111 kept"},
		{name: "16 the same, -d 2h", config: "[profile m]\nmfa_serial = m111111111\n[profile c]\nsource_profile = m\nmfa_serial = m111111111\n", stored: "m", options: Options{Duration: 2 * time.Hour},
			want: "stored key m|session token m 2h +m111111111 kept"},
		{name: "17 child without MFA", config: "[profile m]\nmfa_serial = m111111111\n[profile c]\nsource_profile = m\n", stored: "m",
			want: "stored key m|session token m 1h kept"},
		{name: "18 a hop between", config: "[profile m]\nmfa_serial = m111111111\n[profile hop]\nsource_profile = m\n[profile r]\nsource_profile = hop\nmfa_serial = m111111111\n" + arn, stored: "m",
			want: "stored key m|session token m 8h +m111111111 kept|assume role r 1h kept"},
		{name: "18 the same, -d 4h", config: "[profile m]\nmfa_serial = m111111111\n[profile hop]\nsource_profile = m\n[profile r]\nsource_profile = hop\nmfa_serial = m111111111\n" + arn, stored: "m", options: Options{Duration: 4 * time.Hour},
			want: "stored key m|assume role r 4h +m111111111 kept"},
		{name: "19 SSO", config: "[profile p]\n" + sso,
			want: "SSO role p kept"},
		{name: "19 SSO by session", config: "[sso-session corp]\nsso_start_url = https://corp.awsapps.com/start\nsso_region = eu-west-1\n[profile p]\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = Dev\n",
			want: "SSO role p kept"},
		{name: "20 role on SSO, -d 2h", config: "[profile s]\n" + sso + "[profile r]\nsource_profile = s\n" + arn, options: Options{Duration: 2 * time.Hour},
			want: "SSO role s kept|assume role r 1h kept"},
		{name: "20 role beside SSO", config: "[profile s]\n" + sso + arn,
			want: "SSO role s kept|assume role s 1h kept"},
		{name: "20 a code that SSO cannot show", config: "[profile s]\n" + sso + "[profile r]\nsource_profile = s\nmfa_serial = m111111111\n" + arn,
			want: "error: config:8: profile r requires an MFA code of m111111111, but its role would be assumed with the credentials of profile s, which are not a user's own access key"},
		{name: "20 a code that is set for all profiles", config: "[default]\nmfa_serial = m111111111\n[profile s]\n" + sso + "[profile r]\nsource_profile = s\n" + arn,
			want: "SSO role s kept|assume role r 1h kept"},
		{name: "21 child of SSO", config: "[profile s]\n" + sso + "[profile c]\nsource_profile = s\n",
			want: "SSO role s kept"},
		{name: "22 web identity", config: "[profile p]\nweb_identity_token_file = /t\n" + arn, options: Options{Duration: 2 * time.Hour},
			want: "web identity p 2h kept"},
		{name: "23 role on web identity, -d 2h", config: "[profile w]\nduration_seconds = 3600\nweb_identity_token_process = t\n" + arn + "[profile r]\nsource_profile = w\n" + arn, options: Options{Duration: 2 * time.Hour},
			want: "web identity w 1h kept|assume role r 1h kept"},
		{name: "aws login", config: "[profile l]\nlogin_session = arn:aws:iam::123456789012:user/alice\n",
			want: "aws login l"},
		{name: "role on aws login, -d 2h", config: "[profile l]\nlogin_session = arn:aws:sts::123456789012:assumed-role/r/alice\n[profile r]\nsource_profile = l\n" + arn, options: Options{Duration: 2 * time.Hour},
			want: "aws login l|assume role r 1h kept"},
		{name: "aws login before process", config: "[profile l]\ncredential_process = c\nlogin_session = arn:aws:iam::123456789012:user/alice\n",
			want: "aws login l"},
		{name: "24 process", config: "[profile p]\ncredential_process = c\n",
			want: "credential process p kept"},
		{name: "25 role on process, -d 2h", config: "[profile c]\ncredential_process = c\n[profile r]\nsource_profile = c\n" + arn, options: Options{Duration: 2 * time.Hour},
			want: "credential process c kept|assume role r 1h kept"},
		{name: "26 role beside process, with MFA", config: "[profile c]\ncredential_process = c\nmfa_serial = m111111111\n" + arn,
			want: "credential process c kept|assume role c 1h +m111111111 kept"},
		{name: "27 AWS_ROLE_ARN", config: "[profile p]\n", stored: "p", env: map[string]string{"AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/e"},
			want: "stored key p|assume role p 1h kept"},
		{name: "28 unknown profile", config: "[default]\nregion = eu-west-1\n", stored: "other",
			want: `error: there is no profile "p", and no key is stored under that name`},
		{name: "28 a key without a profile", config: "", stored: "p",
			want: "stored key p|session token p 1h kept"},

		{name: "stored beats source", config: "[profile m]\n[profile p]\nsource_profile = m\n" + arn, stored: "m p",
			want: "stored key p|assume role p 1h kept"},
		{name: "two roles, device on the outer", config: "[profile m]\n[profile r1]\nsource_profile = m\n" + arn + "[profile p]\nsource_profile = r1\nmfa_serial = m111111111\n" + arn, stored: "m",
			want: "stored key m|session token m 8h +m111111111 kept|assume role r1 1h kept|assume role p 1h kept"},
		{name: "two roles, device on the inner", config: "[profile m]\n[profile r1]\nsource_profile = m\nmfa_serial = m111111111\n" + arn + "[profile p]\nsource_profile = r1\n" + arn, stored: "m",
			want: "stored key m|assume role r1 1h +m111111111 kept|assume role p 1h kept"},
		{name: "two roles, two devices", config: "[profile m]\n[profile r1]\nsource_profile = m\nmfa_serial = m111111111\n" + arn + "[profile p]\nsource_profile = r1\nmfa_serial = m222222222\n" + arn, stored: "m",
			want: "error: config:8: profile p requires an MFA code of m222222222, but its role would be assumed with the credentials of profile r1, which are not a user's own access key"},
		{name: "two roles, no device", config: "[profile m]\n[profile r1]\nsource_profile = m\nduration_seconds = 7200\n" + arn + "[profile p]\nsource_profile = r1\nduration_seconds = 7200\n" + arn, stored: "m",
			want: "stored key m|assume role r1 2h kept|assume role p 1h kept"},
		{name: "parent style", config: "[profile root]\nmfa_serial = m111111111\nsource_profile = root\n[profile p]\ninclude_profile = root\n" + arn, stored: "root",
			want: "stored key root|session token root 8h +m111111111 kept|assume role p 1h kept"},
		{name: "static key", config: "[profile p]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = EXAMPLEKEYEXAMPLEKEYEXAMPLEKEYEXAMPLEKEY\n",
			want: "static key p|session token p 1h kept"},
		{name: "static session", config: "[profile p]\naws_access_key_id = ASIAIOSFODNN7EXAMPLE\naws_secret_access_key = EXAMPLEKEYEXAMPLEKEYEXAMPLEKEYEXAMPLEKEY\naws_session_token = t\n",
			want: "static key p"},
		{name: "half a static key", config: "[profile p]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n",
			want: "error: config:2: profile p sets aws_access_key_id without aws_secret_access_key, expected both"},
		{name: "half a static key, the secret", config: "[profile p]\naws_secret_access_key = EXAMPLEKEYEXAMPLEKEYEXAMPLEKEYEXAMPLEKEY\n",
			want: "error: config:2: profile p sets aws_secret_access_key without aws_access_key_id, expected both"},
		{name: "a static key and a source", config: "[profile m]\n[profile p]\nsource_profile = m\n" + plainKey + arn, stored: "m",
			want: "stored key m|assume role p 1h kept"},
		{name: "a static key below its own role", config: "[profile p]\nsource_profile = p\n" + plainKey + arn,
			want: "static key p|assume role p 1h kept"},
		{name: "a source with a static key and a role", config: "[profile c]\n" + plainKey + "[profile b]\nsource_profile = c\n" + plainKey + arn + "[profile a]\nsource_profile = b\n" + arn,
			want: "static key b|assume role a 1h kept"},
		{name: "a source with a static key and a source", config: "[profile b]\nsource_profile = c\n" + plainKey + "[profile a]\nsource_profile = b\n" + arn, stored: "c",
			want: "static key b|assume role a 1h kept"},
		{name: "a source with a static key and credential_source", config: "[profile b]\ncredential_source = Environment\n" + plainKey + arn + "[profile a]\nsource_profile = b\n" + arn,
			want: "static key b|assume role a 1h kept"},
		{name: "a source with a static key and web identity", config: "[profile b]\nweb_identity_token_file = /t\n" + plainKey + arn + "[profile a]\nsource_profile = b\n" + arn,
			want: "web identity b 1h kept|assume role a 1h kept"},
		{name: "a source with half a static key", config: "[profile b]\nsource_profile = c\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n" + arn + "[profile a]\nsource_profile = b\n" + arn, stored: "c",
			want: "error: config:3: profile b sets aws_access_key_id without aws_secret_access_key, expected both"},
		{name: "a source with a stored key, a static key and a role", config: "[profile b]\nsource_profile = c\n" + plainKey + arn + "[profile a]\nsource_profile = b\n" + arn, stored: "b",
			want: "stored key b|assume role b 1h kept|assume role a 1h kept"},
		{name: "environment", config: "[profile p]\ncredential_source = Environment\n" + arn,
			want: "error: config:2: credential_source is Environment, expected AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to be set"},
		{name: "metadata", config: "[profile p]\ncredential_source = Ec2InstanceMetadata\n" + arn,
			want: "EC2 metadata p|assume role p 1h kept"},
		{name: "container", config: "[profile p]\ncredential_source = EcsContainer\n" + arn, options: Options{Duration: 2 * time.Hour},
			want: "container endpoint p|assume role p 1h kept"},
		{name: "SSO in part", config: "[profile p]\nsso_start_url = https://corp.awsapps.com/start\nsso_region = eu-west-1\n",
			want: "error: config:2: profile p sets sso_start_url without sso_account_id, expected both"},
		{name: "SSO session without role", config: "[sso-session corp]\nsso_start_url = https://corp.awsapps.com/start\nsso_region = eu-west-1\n[profile p]\nsso_session = corp\nsso_account_id = 123456789012\n",
			want: "error: config:6: profile p sets sso_account_id without sso_role_name, expected both"},
		{name: "SSO session without account", config: "[sso-session corp]\nsso_start_url = https://corp.awsapps.com/start\nsso_region = eu-west-1\n[profile p]\nsso_session = corp\nsso_role_name = Dev\n",
			want: "error: config:6: profile p sets sso_role_name without sso_account_id, expected both"},
		{name: "SSO session without region", config: "[sso-session corp]\nsso_start_url = https://corp.awsapps.com/start\n[profile p]\nsso_session = corp\nsso_role_name = Dev\nsso_account_id = 123456789012\n",
			want: "error: config:2: sso_start_url is set without sso_region, expected both"},
		{name: "SSO session without URL", config: "[sso-session corp]\nsso_region = eu-west-1\n[profile p]\nsso_session = corp\nsso_role_name = Dev\nsso_account_id = 123456789012\n",
			want: "error: config:4: profile p sets sso_session without sso_start_url, expected both"},
		{name: "SSO account alone", config: "[profile p]\nsso_account_id = 123456789012\nsso_role_name = Dev\n",
			want: "error: config:2: profile p sets sso_account_id without sso_session, expected both"},
		{name: "SSO session for bearer tokens", config: "[sso-session corp]\nsso_start_url = https://corp.awsapps.com/start\nsso_region = eu-west-1\n[profile p]\nsso_session = corp\ncredential_process = c\n",
			want: "credential process p kept"},
		{name: "SSO session and nothing else", config: "[sso-session corp]\nsso_start_url = https://corp.awsapps.com/start\nsso_region = eu-west-1\n[profile p]\nsso_session = corp\n",
			want: "error: config:5: profile p sets sso_session without sso_account_id, expected both"},
		{name: "web identity without role", config: "[profile p]\nweb_identity_token_file = /t\n",
			want: "error: config:2: profile p sets web_identity_token_file without role_arn, expected both"},
		{name: "Roles Anywhere", config: "[profile p]\n" + anywhere + arn, options: Options{Duration: 2 * time.Hour},
			want: "Roles Anywhere p 2h kept"},
		{name: "Roles Anywhere, a device for others", config: "[default]\nmfa_serial = m111111111\n[profile p]\nduration_seconds = 7200\n" + anywhere + arn,
			want: "Roles Anywhere p 2h kept"},
		{name: "role on Roles Anywhere, -d 2h", config: "[profile w]\n" + anywhere + arn + "[profile r]\nsource_profile = w\n" + arn, options: Options{Duration: 2 * time.Hour},
			want: "Roles Anywhere w 1h kept|assume role r 1h kept"},
		{name: "Roles Anywhere below a stored key", config: "[profile p]\n" + anywhere + arn, stored: "p",
			want: "stored key p|assume role p 1h kept"},
		{name: "Roles Anywhere for too long", config: "[profile p]\n" + anywhere + arn, options: Options{Duration: 13 * time.Hour},
			want: "error: duration is 13h, expected 15m to 12h"},
		{name: "Roles Anywhere without a role", config: "[profile p]\n" + anywhere,
			want: "error: config:2: profile p sets trust_anchor_arn without role_arn, expected both"},
		{name: "Roles Anywhere without a certificate", config: "[profile p]\nrolesanywhere_profile_arn = arn:aws:rolesanywhere:eu-west-1:123456789012:profile/p\n",
			want: "error: config:2: profile p sets rolesanywhere_profile_arn without trust_anchor_arn, expected both"},
		{name: "Roles Anywhere beside another source", config: "[profile p]\ncredential_process = c\n" + anywhere + arn,
			want: "error: config:2: profile p sets credential_process and trust_anchor_arn, expected only one source of credentials"},
		{name: "Roles Anywhere beside an OIDC sign-in", config: "[profile p]\noidc_issuer = https://id.example.com\noidc_client_id = aws\n" + anywhere + arn,
			want: "error: config:2: profile p sets oidc_issuer and trust_anchor_arn, expected only one source of credentials"},
		{name: "Roles Anywhere beside an OIDC session", config: "[profile p]\noidc_session = corp\n" + anywhere + arn + "[oidc-session corp]\noidc_client_id = aws\n",
			want: "error: config:2: profile p sets oidc_session and trust_anchor_arn, expected only one source of credentials"},
		{name: "Roles Anywhere beside an identity", config: "[identity me]\nidentity_issuer = https://id.example.com/me\nidentity_subject = me@example.com\n[profile p]\nidentity = me\n" + anywhere + arn,
			want: "error: config:5: profile p sets identity and trust_anchor_arn, expected only one source of credentials"},
		{name: "Roles Anywhere beside source_profile", config: "[profile m]\n[profile p]\nsource_profile = m\n" + anywhere + arn, stored: "m",
			want: "error: config:3: profile p sets source_profile and trust_anchor_arn, expected only one source of credentials"},
		{name: "Roles Anywhere in two regions", config: "[profile p]\n" + strings.Replace(anywhere, "eu-west-1", "us-east-1", 1) + arn,
			want: "error: config:3: rolesanywhere_profile_arn is in region eu-west-1, expected us-east-1, the region of the trust anchor"},
		{name: "Roles Anywhere under a policy", config: "[profile p]\nsession_policy_arns = arn:aws:iam::aws:policy/ReadOnlyAccess\n" + anywhere + arn,
			want: "error: config:2: session_policy_arns cannot limit profile p, because Roles Anywhere accepts no session policy"},
		{name: "source_profile beside credential_source", config: "[profile m]\n[profile p]\nsource_profile = m\ncredential_source = EcsContainer\n" + arn, stored: "m",
			want: "error: config:4: profile p sets credential_source and source_profile, expected only one source of credentials"},
		{name: "nothing", config: "[profile p]\nregion = eu-west-1\n",
			want: `error: profile "p" has no stored key and names no source of credentials`},
		{name: "a source that does not exist", config: "[profile p]\nsource_profile = gone\n" + arn,
			want: `error: config:2: source_profile is "gone", expected the name of a profile or of a stored key`},
		{name: "source without credentials", config: "[profile m]\n[profile p]\nsource_profile = m\n" + arn,
			want: `error: config:3: source_profile is "m", but that profile has no stored key and names no source of credentials`},
		{name: "too short", config: "[profile p]\n", stored: "p", options: Options{Duration: time.Minute},
			want: "error: duration is 1m, expected 15m to 36h"},
		{name: "too long for a role", config: "[profile p]\n" + arn, stored: "p", options: Options{Duration: 13 * time.Hour},
			want: "error: duration is 13h, expected 15m to 12h"},
		{name: "a transitive tag again", config: "[profile m]\n[profile r1]\nsource_profile = m\nsession_tags = Team=a\ntransitive_session_tags = Team\n" + arn + "[profile p]\nsource_profile = r1\nsession_tags = team=b\n" + arn, stored: "m",
			want: "error: config:9: tag team cannot be set, because profile r1 already passes that tag on to later roles"},
		{name: "another source identity", config: "[profile m]\n[profile r1]\nsource_profile = m\nsource_identity = alice\n" + arn + "[profile p]\nsource_profile = r1\nsource_identity = bob\n" + arn, stored: "m",
			want: "error: config:8: source identity bob cannot be set, because profile r1 has already set a different one for the whole chain"},
		{name: "an invalid policy", config: "[profile p]\nsession_policy = {\n" + arn, stored: "p",
			want: "error: config:2: session policy is not JSON (unexpected end of JSON input), expected an IAM policy document"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			name := "p"
			if i := strings.LastIndex(tt.config, "[profile "); i >= 0 {
				name, _, _ = strings.Cut(tt.config[i+len("[profile "):], "]")
			}
			h := stored(strings.Fields(tt.stored)...)
			pl, err := Make(resolve(t, tt.config, name, tt.env), h, tt.options)
			got := strings.Join(steps(pl), "|")
			if err != nil {
				got = "error: " + err.Error()
			}
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", strings.ReplaceAll(got, "|", "\n     "), strings.ReplaceAll(tt.want, "|", "\n     "))
			}
		})
	}
}

const (
	twoRoles = "[profile m]\nmfa_serial = m111111111\n[profile r1]\nsource_profile = m\nmfa_serial = m111111111\n" + arn +
		"[profile r2]\nsource_profile = r1\nmfa_serial = m111111111\n" + arn
	anywhere = "trust_anchor_arn = arn:aws:rolesanywhere:eu-west-1:123456789012:trust-anchor/t\n" +
		"rolesanywhere_profile_arn = arn:aws:rolesanywhere:eu-west-1:123456789012:profile/p\n" +
		"certificate = alice.pem\nprivate_key = alice.key\n"
	sso = "sso_start_url = https://corp.awsapps.com/start\nsso_region = eu-west-1\nsso_account_id = 123456789012\nsso_role_name = Dev\n"
)
