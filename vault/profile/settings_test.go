package profile

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

const arn = "arn:aws:iam::123456789012:"

// Valid and invalid values of each setting.
var examples = map[string]struct{ good, bad []string }{
	"region":                             {[]string{"eu-west-1", "us-gov-east-1"}, []string{"eu_west_1", "-eu", "eu-", "eu west", `"eu-west-1"`, "eu.west", "123", "../x"}},
	"output":                             {[]string{"json", "yaml-stream"}, []string{"json text"}},
	"mfa_serial":                         {[]string{arn + "mfa/alice", "GAHT12345678"}, []string{arn + "u2f/user/alice", "u2f/alice", "a b"}},
	"mfa_process":                        {[]string{"pass otp aws # one"}, []string{"a\x1bb"}},
	"mfa_max_age":                        {[]string{"15m", "900"}, []string{"0", "-5m", "soon", "99999999999"}},
	"role_arn":                           {[]string{arn + "role/Admin", "arn:aws-cn:iam::123456789012:role/a/b"}, []string{"Admin", arn + "user/bob", arn + "role/", "arn:aws:iam::12345:role/A", "arn:aws:sts::123456789012:role/A", arn + "role/A b"}},
	"role_session_name":                  {[]string{"alice", "${aws:username}", "x-${aws:username}"}, []string{"a", "alice smith", "${aws:userid}", strings.Repeat("a", 65)}},
	"external_id":                        {[]string{"a:b/c", "12"}, []string{"1", "a b"}},
	"source_identity":                    {[]string{"alice@example.com"}, []string{"a", "aws:alice"}},
	"session_tags":                       {[]string{"a=b", "a=b,c=", "é=ü 1"}, []string{"a", "=b", "a=b,A=c", "a=#", strings.Repeat("k", 129) + "=v", "a=" + strings.Repeat("v", 257), manyTags(51)}},
	"transitive_session_tags":            {[]string{"a", "a, b"}, []string{",", "a!", "a\nb"}},
	"session_policy":                     {[]string{`{"Version": "2012-10-17"}`}, []string{"\x00"}},
	"session_policy_arns":                {[]string{"arn:aws:iam::aws:policy/ReadOnlyAccess, " + arn + "policy/Own"}, []string{"ReadOnlyAccess", arn + "role/Admin", strings.Repeat(arn+"policy/a,", 11)}},
	"agent_access":                       {[]string{"read-only", "off", "deny", "careful", arn + "policy/Own"}, []string{"a\x07"}},
	"agent_tags":                         {[]string{"on", "off"}, []string{"yes"}},
	"allow_long_lived":                   {[]string{"yes", "No", "true", "False"}, []string{"never", "off", "0"}},
	"audit":                              {[]string{"~/aws vault #1.jsonl"}, []string{"a\x07"}},
	"duration_seconds":                   {[]string{"900", "43200"}, []string{"899", "43201", "1h", "an hour", "+900", "1e3"}},
	"source_profile":                     {[]string{"hub", "my hub"}, []string{"a\x07"}},
	"credential_source":                  {[]string{"Environment", "Ec2InstanceMetadata", "EcsContainer"}, []string{"environment", "Else"}},
	"credential_process":                 {[]string{"get 'a b' | c"}, []string{"a\x00b"}},
	"web_identity_token_file":            {[]string{"/var/run/token #1"}, []string{"a\x07"}},
	"web_identity_token_process":         {[]string{"get token"}, []string{"a\x07"}},
	"trust_anchor_arn":                   {[]string{"arn:aws:rolesanywhere:eu-west-1:123456789012:trust-anchor/EXAMPLE-a1b2"}, []string{"arn:aws:rolesanywhere:eu-west-1:123456789012:profile/a", "arn:aws:rolesanywhere::123456789012:trust-anchor/a", "arn:aws:rolesanywhere:eu-west-1:123456789012:trust-anchor/", "a"}},
	"rolesanywhere_profile_arn":          {[]string{"arn:aws-cn:rolesanywhere:cn-north-1:123456789012:profile/EXAMPLE"}, []string{"arn:aws:rolesanywhere:eu-west-1:1:profile/a", "arn:aws:iam:eu-west-1:123456789012:profile/a"}},
	"certificate":                        {[]string{"~/certs/alice #1.pem"}, []string{"a\x07"}},
	"private_key":                        {[]string{"~/certs/alice.key", "piv:9c", "piv:82", "piv:8f", "piv:95"}, []string{"piv:", "piv:9b", "piv:96", "piv:9C", "piv:8g", "a\x07"}},
	"mfa_device":                         {[]string{"yubikey"}, []string{"phone", "YubiKey"}},
	"sso_start_url":                      {[]string{"https://example.awsapps.com/start#/"}, []string{"example.com", "ftp://example.com", "https://", "https://a b"}},
	"sso_region":                         {[]string{"eu-west-1"}, []string{"Europe!"}},
	"sso_account_id":                     {[]string{"012345678901"}, []string{"1234", "12345678901a"}},
	"sso_role_name":                      {[]string{"ReadOnly"}, []string{"Read Only"}},
	"sso_registration_scopes":            {[]string{"sso:account:access, b"}, []string{",,"}},
	"login_session":                      {[]string{arn + "user/alice"}, []string{"a\x07"}},
	"role_session_name_claim":            {[]string{"email", "preferred_username", "https://example.com/name"}, []string{"a b", "é"}},
	"oidc_issuer":                        {[]string{"https://id.example.com/realms/corp", "http://127.0.0.1:8080", "http://localhost", "http://[::1]:1/x"}, []string{"id.example.com", "http://id.example.com", "https://alice@id.example.com", "https://id.example.com?x=y", "http://localhost.example.com", "ftp://id.example.com"}},
	"oidc_client_id":                     {[]string{"aws-vault", "0oa1b2c3.apps.example.com"}, []string{"a b"}},
	"oidc_scopes":                        {[]string{"openid email", "openid, offline_access"}, []string{",", `a"b`, `a\b`}},
	"oidc_audience":                      {[]string{"sts.amazonaws.com", "https://id.example.com"}, []string{"a b"}},
	"oidc_flow":                          {[]string{"browser", "device"}, []string{"Browser", "code"}},
	"oidc_redirect_port":                 {[]string{"8000", "65535"}, []string{"0", "65536", "+80", "http"}},
	"oidc_redirect_ports":                {[]string{"8000", "8000, 18000"}, []string{",", "8000 18000", "0", "1,2,3,4,5,6,7,8,9,10,11"}},
	"identity_issuer":                    {[]string{"https://id.example.com/alice"}, []string{"id.example.com/alice", "http://id.example.com"}},
	"identity_subject":                   {[]string{"alice@example.com"}, []string{"auth0|alice", "a", "alice b"}},
	"identity_audience":                  {[]string{"https://id.example.com/alice", "sts.amazonaws.com"}, []string{"a b"}},
	"require_touch":                      {[]string{"true", "False"}, []string{"yes"}},
	"console_browser":                    {[]string{"chromium:Work Profile", "private"}, []string{"a\x07"}},
	"console_container":                  {[]string{"prod & co"}, []string{"a\x07"}},
	"aws_access_key_id":                  {[]string{"AKIAIOSFODNN7EXAMPLE"}, []string{"AKIA IOSFODNN7", "AKIA-X"}},
	"aws_secret_access_key":              {[]string{"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}, []string{"a b", "ключ"}},
	"aws_session_token":                  {[]string{"IQoJb3JpZ2lu=="}, []string{"a b"}},
	"sts_regional_endpoints":             {[]string{"regional", "legacy"}, []string{"Regional", "global"}},
	"allow_plain_http":                   {[]string{"localstack", "aws_fake, 192.0.2.1,::1"}, []string{"http://localstack", "localstack:4566", "a b"}},
	"endpoint_url":                       {[]string{"http://127.0.0.1:4566"}, []string{"localhost:4566", "https://[::1"}},
	"ignore_configured_endpoint_urls":    {[]string{"true", "False"}, []string{"yes"}},
	"ca_bundle":                          {[]string{"/etc/ssl/corp #1.pem"}, []string{"a\x07"}},
	"use_fips_endpoint":                  {[]string{"true"}, []string{"1"}},
	"use_dualstack_endpoint":             {[]string{"false"}, []string{"off"}},
	"ec2_metadata_v1_disabled":           {[]string{"true", "False"}, []string{"1"}},
	"ec2_metadata_service_endpoint":      {[]string{"http://[::1]:1338/", "http://169.254.169.254"}, []string{"169.254.169.254", "a b"}},
	"ec2_metadata_service_endpoint_mode": {[]string{"IPv4", "ipv6"}, []string{"6"}},
	"max_attempts":                       {[]string{"1", "1000"}, []string{"0", "-1", "1001", "three"}},
	"retry_mode":                         {[]string{"legacy", "standard", "adaptive"}, []string{"Standard", "none"}},
}

func manyTags(n int) string {
	var tags []string
	for i := range n {
		tags = append(tags, fmt.Sprintf("k%d=v", i))
	}
	return strings.Join(tags, ",")
}

func TestValuesAreChecked(t *testing.T) {
	for _, s := range Settings() {
		e := examples[s.Name]
		// Settings whose value is the name of a section are skipped, because the section would have to exist.
		if !s.InFiles || slices.Contains([]string{"include_profile", "sso_session", "oidc_session", "identity", "services"}, s.Name) {
			continue
		}
		if len(e.good) == 0 || len(e.bad) == 0 {
			t.Errorf("%s has no examples", s.Name)
		}
		for _, v := range e.good {
			p, err := config(t, "[profile p]\n"+s.Name+" = "+v).Resolve("p", Inputs{})
			if err != nil || p.Text(s.Name) != v {
				t.Errorf("%s = %s: %v", s.Name, v, err)
			}
		}
		for _, v := range e.bad {
			_, err := config(t, "[profile p]\n"+s.Name+" = "+strings.ReplaceAll(v, "\n", "\n  ")).Resolve("p", Inputs{})
			if !isOurs(err) || !strings.HasPrefix(err.Error(), "config:2: ") {
				t.Errorf("%s = %q: %v", s.Name, v, err)
			}
		}
		if s.Example != "" && !settingNamed(s.Name).fileRule.ok(s.Example) {
			t.Errorf("%s refuses its own example", s.Name)
		}
	}
}

func TestVariablesAreChecked(t *testing.T) {
	f := config(t, "")
	for variable, c := range map[string]struct{ good, bad, want string }{
		"AWS_REGION":                    {"eu-west-1", "eu west", `is "eu west", expected a region, such as eu-west-1`},
		"AWS_ASSUME_ROLE_TTL":           {"1h", "5", `is "5", expected a duration from 15m to 12h, such as 1h`},
		"AWS_SESSION_TOKEN_TTL":         {"36h", "37h", `is "37h", expected a duration from 15m to 36h, such as 8h`},
		"AWS_CHAINED_SESSION_TOKEN_TTL": {"8h", "x", `is "x", expected a duration from 15m to 36h, such as 8h`},
		"AWS_FEDERATION_TOKEN_TTL":      {"15m", "14m", `is "14m", expected a duration from 15m to 36h, such as 8h`},
		"AWS_MIN_TTL":                   {"0s", "-1s", `is "-1s", expected a duration up to 12h, such as 5m`},
		"AWS_SESSION_TAGS":              {"a=b", "a", `is "a", expected up to 50 KEY=VALUE pairs with different keys, such as team=blue,cost=42`},
		"AWS_MFA_SERIAL": {"GAHT12345678", arn + "u2f/user/alice",
			`is "` + arn + `u2f/user/alice", expected a virtual or hardware MFA device (STS does not accept FIDO keys), such as ` + arn + "mfa/alice"},
	} {
		resolve(t, f, "p", Inputs{Env: env(map[string]string{variable: c.good})})
		got := fails(t, f, "p", Inputs{Env: env(map[string]string{variable: c.bad})})
		if want := variable + " " + c.want; got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
}

func TestSettingsTable(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range Settings() {
		if seen[s.Name] || s.Want == "" || strings.ToLower(s.Name) != s.Name {
			t.Errorf("%+v", s)
		}
		seen[s.Name] = true
		if !s.InFiles && len(s.Env) == 0 {
			t.Errorf("%s cannot be set anywhere", s.Name)
		}
	}
	for _, want := range []SettingInfo{
		{"region", []string{"AWS_REGION", "AWS_DEFAULT_REGION"}, false, true, true, false, "a region", "eu-west-1", ""},
		{"duration_seconds", []string{"AWS_ASSUME_ROLE_TTL"}, true, true, true, false, "a number of seconds from 900 to 43200", "3600", "a duration from 15m to 12h"},
		{"aws_secret_access_key", nil, false, false, true, true, "printable characters without blanks", "", ""},
		{"min_ttl", []string{"AWS_MIN_TTL"}, true, false, false, false, "a duration up to 12h", "5m", ""},
	} {
		i := slices.IndexFunc(Settings(), func(s SettingInfo) bool { return s.Name == want.Name })
		if got := Settings()[i]; fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	}
}

func TestNoFileSettings(t *testing.T) {
	p := resolve(t, config(t, "[profile p]\nmin_ttl = never\n"), "p", Inputs{})
	if len(p.Names()) != 0 {
		t.Errorf("names %q", p.Names())
	}
}

func TestFlagDurations(t *testing.T) {
	in := Inputs{Flags: map[string]Flag{"duration_seconds": {"--duration", "2h0m0s"}}}
	p := resolve(t, config(t, ""), "p", in)
	if p.Duration("duration_seconds").Hours() != 2 {
		t.Errorf("%v", p.Duration("duration_seconds"))
	}
	in.Flags["duration_seconds"] = Flag{"--duration", "1m"}
	var e *ValueError
	_, err := config(t, "").Resolve("p", in)
	if !errors.As(err, &e) || e.Setting != "duration_seconds" || e.Found != "1m" || e.Origin.Kind != CommandLine {
		t.Errorf("%+v", e)
	}
}
