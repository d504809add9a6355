package profile

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// Before each check, the test sets region in one more place, which has priority over the earlier places. The test
// also checks that empty variables and flags are ignored.
func TestPrecedence(t *testing.T) {
	files := `[default]
include_profile = base
` + "%s" + `
[profile base]
[profile p]
include_profile = mixin
` + "%s" + `
[profile mixin]
include_profile = deeper
` + "%s" + `
[profile deeper]
` + "%s" + `
`
	type lines struct{ def, p, mixin, deeper string }
	here := func(l lines) *File { return config(t, fmt.Sprintf(files, l.def, l.p, l.mixin, l.deeper)) }
	in := Inputs{}
	l := lines{}
	check := func(want, origin string) {
		t.Helper()
		v := resolve(t, here(l), "p", in).Value("region")
		if v.Text != want || v.Origin.String() != origin {
			t.Errorf("region is %q from %s, want %q from %s", v.Text, v.Origin, want, origin)
		}
	}
	check("", "unset")
	in.Credentials = credentials(t, "[default]\nregion = de-1\n")
	check("de-1", "credentials:2")
	l.def = "region = default-1"
	check("default-1", "config:3")
	l.deeper = "region = deeper-1"
	check("deeper-1", "config:12")
	l.mixin = "region = mixin-1"
	check("mixin-1", "config:10")
	in.Credentials = credentials(t, "[default]\nregion = de-1\n[p]\nregion = cr-1\n")
	check("cr-1", "credentials:4")
	l.p = "region = own-1"
	check("own-1", "config:7")
	in.Env = env(map[string]string{"AWS_DEFAULT_REGION": "env-2"})
	check("env-2", "AWS_DEFAULT_REGION")
	in.Env = env(map[string]string{"AWS_DEFAULT_REGION": "env-2", "AWS_REGION": "env-1"})
	check("env-1", "AWS_REGION")
	in.Env = env(map[string]string{"AWS_DEFAULT_REGION": "env-2", "AWS_REGION": ""})
	check("env-2", "AWS_DEFAULT_REGION")
	in.Flags = map[string]Flag{"region": {"--region", ""}}
	check("env-2", "AWS_DEFAULT_REGION")
	in.Flags = map[string]Flag{"region": {"--region", "flag-1"}}
	check("flag-1", "--region")
}

// Profiles inherit all settings from [default], except those in the list personal. A profile that includes [default]
// inherits those settings too.
func TestFromDefault(t *testing.T) {
	var b strings.Builder
	b.WriteString("[default]\n")
	for _, s := range settings {
		if s.noFile || s.name == includeProfile {
			continue
		}
		b.WriteString(s.name + " =\n")
	}
	b.WriteString("[profile stranger]\n[profile guest]\ninclude_profile = default\n")
	f := config(t, b.String())
	stranger, guest := resolve(t, f, "stranger", Inputs{}), resolve(t, f, "guest", Inputs{})
	personal := []string{"role_arn", "role_session_name", "external_id", "source_profile", "credential_source",
		"credential_process", "trust_anchor_arn", "rolesanywhere_profile_arn", "certificate", "private_key", "web_identity_token_file", "web_identity_token_process", "sso_session", "sso_start_url",
		"sso_region", "sso_account_id", "sso_role_name", "sso_registration_scopes", "login_session", "console_container",
		"role_session_name_claim", "oidc_session", "oidc_issuer", "oidc_client_id", "oidc_scopes", "oidc_audience", "oidc_flow",
		"oidc_redirect_port", "oidc_redirect_ports", "identity", "identity_issuer", "identity_subject", "identity_audience",
		"aws_access_key_id", "aws_secret_access_key", "aws_session_token"}
	for _, s := range Settings() {
		if !s.InFiles || s.Name == includeProfile {
			continue
		}
		_, passed := stranger.values[s.Name]
		if want := !slices.Contains(personal, s.Name); passed != want || s.FromDefault != want {
			t.Errorf("%s: inherited: %v, reported: %v, want %v", s.Name, passed, s.FromDefault, want)
		}
		if _, passed := guest.values[s.Name]; !passed {
			t.Errorf("%s is not inherited with include_profile = default", s.Name)
		}
	}
}

func TestEmptyValueOverrides(t *testing.T) {
	f := config(t, "[default]\nmfa_serial = arn:aws:iam::123456789012:mfa/alice\n[profile p]\nmfa_serial =\n[profile q]\nmfa_serial = # none\n")
	for name, line := range map[string]int{"p": 4, "q": 6} {
		p := resolve(t, f, name, Inputs{})
		if p.Set("mfa_serial") || p.Value("mfa_serial").Origin.Line != line || !slices.Equal(p.Names(), []string{"mfa_serial"}) {
			t.Errorf("%s: %q from %v, names %q", name, p.Text("mfa_serial"), p.Value("mfa_serial").Origin, p.Names())
		}
	}
	p := resolve(t, f, "p", Inputs{Env: env(map[string]string{"AWS_MFA_SERIAL": "GAHT12345678"})})
	if got := p.Text("mfa_serial"); got != "GAHT12345678" {
		t.Errorf("mfa_serial %q", got)
	}
}

func TestAlternatives(t *testing.T) {
	const sessions = "[sso-session corp]\nsso_start_url = https://corp.example.com\nsso_region = eu-west-1\n" +
		"[sso-session bare]\n[sso-session scoped]\nsso_registration_scopes = a:b\n"
	for _, c := range []struct {
		name  string
		p     string
		mixin string
		want  map[string]string
	}{
		{"own URL beats included session", "sso_start_url = https://own.example.com", "sso_session = corp\nsso_region = us-east-1",
			map[string]string{"sso_start_url": "https://own.example.com", "sso_session": "", "sso_region": "us-east-1"}},
		{"own session beats included URL", "sso_session = corp", "sso_start_url = https://own.example.com\nsso_region = us-east-1",
			map[string]string{"sso_start_url": "https://corp.example.com", "sso_session": "corp", "sso_region": "eu-west-1"}},
		{"what the session leaves out", "sso_session = bare\nsso_start_url = https://own.example.com\nsso_region = us-east-1", "",
			map[string]string{"sso_start_url": "https://own.example.com", "sso_region": "us-east-1"}},
		{"nothing leaks into a session", "sso_session = bare", "sso_region = us-east-1\nsso_registration_scopes = x:y",
			map[string]string{"sso_region": "", "sso_registration_scopes": ""}},
		{"own region beats included session", "sso_region = us-east-1", "sso_session = corp",
			map[string]string{"sso_region": "us-east-1", "sso_start_url": "https://corp.example.com"}},
		{"scopes", "sso_session = scoped", "", map[string]string{"sso_registration_scopes": "a:b"}},
		{"source", "source_profile = hub", "credential_source = Environment",
			map[string]string{"source_profile": "hub", "credential_source": ""}},
		{"credential source", "credential_source = Environment", "source_profile = hub",
			map[string]string{"source_profile": "", "credential_source": "Environment"}},
		{"both in one place", "credential_source = Environment\nsource_profile = hub", "",
			map[string]string{"source_profile": "hub", "credential_source": "Environment"}},
		{"an empty one decides nothing", "source_profile =", "credential_source = Environment",
			map[string]string{"source_profile": "", "credential_source": "Environment"}},
		{"token", "web_identity_token_process = get token", "web_identity_token_file = /tmp/token",
			map[string]string{"web_identity_token_process": "get token", "web_identity_token_file": ""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := config(t, sessions+"[profile p]\ninclude_profile = mixin\n"+c.p+"\n[profile mixin]\n"+c.mixin+"\n")
			p := resolve(t, f, "p", Inputs{})
			for setting, want := range c.want {
				if got := p.Text(setting); got != want {
					t.Errorf("%s is %q, want %q", setting, got, want)
				}
			}
		})
	}
}

func TestSource(t *testing.T) {
	f := config(t, `[default]
region = eu-west-1
mfa_serial = GAHT12345678
[profile p]
role_arn = arn:aws:iam::123456789012:role/Admin
source_profile = hub
[profile hub]
include_profile = common
region = eu-west-3
[profile common]
source_profile = hub
[profile gone]
source_profile = nobody
[profile self]
source_profile = self
`)
	in := Inputs{
		Flags: map[string]Flag{"region": {"--region", "us-east-1"}},
		Env: env(map[string]string{"AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/Env", "AWS_SOURCE_IDENTITY": "alice",
			"AWS_ASSUME_ROLE_TTL": "2h", "AWS_REGION": "us-east-2"}),
	}
	p := resolve(t, f, "p", in)
	if p.Source == nil || p.Source.Name != "hub" || p.Source.Source != nil || !p.Source.Defined {
		t.Fatalf("source %v", p.Source)
	}
	for _, c := range []struct {
		p             *Profile
		setting, want string
	}{
		{p, "region", "us-east-1"}, {p.Source, "region", "eu-west-3"},
		{p, "role_arn", "arn:aws:iam::123456789012:role/Env"}, {p.Source, "role_arn", ""},
		{p, "source_identity", "alice"}, {p.Source, "source_identity", ""},
		{p, "duration_seconds", "2h"}, {p.Source, "duration_seconds", "2h"},
		{p.Source, "mfa_serial", "GAHT12345678"},
	} {
		if got := c.p.Text(c.setting); got != c.want {
			t.Errorf("%s of %s is %q, want %q", c.setting, c.p.Name, got, c.want)
		}
	}
	gone := resolve(t, f, "gone", Inputs{})
	if gone.Source == nil || gone.Source.Defined || gone.Source.Name != "nobody" || gone.Value("source_profile").Origin.Line != 13 {
		t.Errorf("source of gone: %v", gone.Source)
	}
	if self := resolve(t, f, "self", Inputs{}); self.Source != nil {
		t.Errorf("source of self: %v", self.Source)
	}
	nobody := resolve(t, f, "nobody", Inputs{})
	if nobody.Defined || nobody.Text("region") != "eu-west-1" {
		t.Errorf("nobody: %v %q", nobody.Defined, nobody.Text("region"))
	}
}

func TestRoleFromEnvironment(t *testing.T) {
	f := config(t, "[profile p]\nrole_arn = arn:aws:iam::123456789012:role/Own\n")
	variables := map[string]string{"AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/Env"}
	if got := resolve(t, f, "p", Inputs{Env: env(variables)}).Value("role_arn").Origin.Name; got != "AWS_ROLE_ARN" {
		t.Errorf("role from %s", got)
	}
	variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = "/tmp/token"
	if got := resolve(t, f, "p", Inputs{Env: env(variables)}).Value("role_arn").Origin.Name; got != "role_arn" {
		t.Errorf("role from %s together with a token", got)
	}
}

func TestStaticKeys(t *testing.T) {
	const own = "aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = configsecret\naws_session_token = configtoken\n"
	for _, c := range []struct {
		name, config, credentials  string
		id, secretFrom, token, own string
	}{
		{"config file", own, "", "AKIAIOSFODNN7EXAMPLE", "configsecret", "configtoken", ""},
		{"credentials file counts more, and alone", own, "[p]\naws_access_key_id = AKIDCREDENTIALS\naws_secret_access_key = credsecret\n",
			"AKIDCREDENTIALS", "credsecret", "", ""},
		{"no halves", "aws_access_key_id = AKIAIOSFODNN7EXAMPLE\n", "[p]\naws_secret_access_key = credsecret\n", "", "credsecret", "", ""},
		{"empty stops", own, "[p]\naws_session_token =\n", "AKIAIOSFODNN7EXAMPLE", "configsecret", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := resolve(t, config(t, "[profile p]\n"+c.config), "p", Inputs{Credentials: credentials(t, c.credentials)})
			if p.Text("aws_access_key_id") != c.id || p.Text("aws_secret_access_key") != c.secretFrom || p.Text("aws_session_token") != c.token {
				t.Errorf("%q %q %q", p.Text("aws_access_key_id"), p.Text("aws_secret_access_key"), p.Text("aws_session_token"))
			}
		})
	}
	p := resolve(t, config(t, ""), "bob", Inputs{Credentials: credentials(t, "[bob]\nregion = eu-west-1\n")})
	if !p.Defined || p.Text("region") != "eu-west-1" || p.Value("region").Origin.Kind != CredentialsFile {
		t.Errorf("bob: %v %+v", p.Defined, p.Value("region").Origin)
	}
}

func TestLoops(t *testing.T) {
	f := config(t, `[profile a]
source_profile = b
[profile b]
source_profile = a
[profile x]
source_profile = a
[profile i]
include_profile = j
[profile j]
include_profile = k
[profile k]
include_profile = j
[profile me]
include_profile = me
[profile free]
region = eu-west-1
`)
	for name, want := range map[string]string{
		"a":  "config:4: source_profile refers back to the same profile: a → b → a",
		"b":  "config:2: source_profile refers back to the same profile: b → a → b",
		"x":  "config:4: source_profile refers back to the same profile: a → b → a",
		"i":  "config:12: include_profile refers back to the same profile: j → k → j",
		"j":  "config:12: include_profile refers back to the same profile: j → k → j",
		"me": "config:14: include_profile refers back to the same profile: me → me",
	} {
		if got := fails(t, f, name, Inputs{}); got != want {
			t.Errorf("%s: %s\nwant %s", name, got, want)
		}
	}
	if got := resolve(t, f, "free", Inputs{}).Text("region"); got != "eu-west-1" {
		t.Errorf("region of free is %q", got)
	}
	var loop *LoopError
	if _, err := f.Resolve("x", Inputs{}); !errors.As(err, &loop) || loop.Setting != "source_profile" || !slices.Equal(loop.Names, []string{"a", "b", "a"}) {
		t.Errorf("%+v", loop)
	}
}

func TestDefaultMayInclude(t *testing.T) {
	f := config(t, "[default]\ninclude_profile = common\n[profile common]\nregion = eu-west-1\nrole_arn = arn:aws:iam::123456789012:role/Admin\n[profile p]\n")
	for _, name := range []string{"default", "common", "p"} {
		p := resolve(t, f, name, Inputs{})
		if p.Text("region") != "eu-west-1" || p.Set("role_arn") == (name == "p") {
			t.Errorf("%s: region %q, role %q", name, p.Text("region"), p.Text("role_arn"))
		}
	}
	f = config(t, "[default]\ninclude_profile = common\n[profile common]\ninclude_profile = default\nregion = eu-west-1\n[profile p]\n")
	want := "config:4: include_profile refers back to the same profile: default → common → default"
	if got := fails(t, f, "default", Inputs{}); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if got := resolve(t, f, "p", Inputs{}).Text("region"); got != "eu-west-1" {
		t.Errorf("region of p, which is not in the loop, is %q", got)
	}
}

func TestMissing(t *testing.T) {
	f := config(t, `[profile common]
[profile p]
include_profile = comon
[profile s]
sso_session = crop
[profile e]
services = elsewhere
[sso-session corp]
`)
	for name, want := range map[string]string{
		"p": `config:3: include_profile is "comon", expected the name of an existing profile, such as common`,
		"s": `config:5: sso_session is "crop", expected the name of an existing sso-session section, such as corp`,
		"e": `config:7: services is "elsewhere", expected the name of an existing services section`,
	} {
		if got := fails(t, f, name, Inputs{}); got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
	var missing *MissingError
	if _, err := f.Resolve("p", Inputs{}); !errors.As(err, &missing) || missing.Name != "comon" || !slices.Equal(missing.Near, []string{"common"}) {
		t.Errorf("%+v", missing)
	}
	p := resolve(t, config(t, "[profile p]\ninclude_profile = bob\n"), "p", Inputs{Credentials: credentials(t, "[bob]\nregion = eu-west-1\n")})
	if p.Text("region") != "eu-west-1" {
		t.Error("a profile of the credentials file cannot be included")
	}
}

func TestDepth(t *testing.T) {
	for _, setting := range []string{"source_profile", "include_profile"} {
		var b strings.Builder
		const n = 10_000
		for i := range n {
			fmt.Fprintf(&b, "[profile p%d]\n%s = p%d\n", i, setting, i+1)
		}
		fmt.Fprintf(&b, "[profile p%d]\n", n)
		f := config(t, b.String())
		want := fmt.Sprintf("config:130: %s is %q, expected a chain of at most 64 profiles", setting, "p65")
		if got := fails(t, f, "p0", Inputs{}); got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
		resolve(t, f, fmt.Sprintf("p%d", n-64), Inputs{})
	}
}

// If a section cannot be read, all profiles that use it fail to resolve.
func TestBrokenSectionsInChain(t *testing.T) {
	const broken = "junk\n"
	for name, c := range map[string]struct{ config, credentials string }{
		"included":     {"[profile p]\ninclude_profile = q\n[profile q]\n" + broken, ""},
		"source":       {"[profile p]\nsource_profile = q\n[profile q]\n" + broken, ""},
		"default":      {"[profile p]\n[default]\n" + broken, ""},
		"sso-session":  {"[profile p]\nsso_session = q\n[sso-session q]\n" + broken, ""},
		"services":     {"[profile p]\nservices = q\n[services q]\n" + broken, ""},
		"service":      {"[profile p]\nservices = q\n[services q]\nsts =\n  junk\n", ""},
		"credentials":  {"[profile p]\n", "[p]\n" + broken},
		"its own copy": {"[profile p]\n[profile p]\n" + broken, ""},
	} {
		_, err := config(t, c.config).Resolve("p", Inputs{Credentials: credentials(t, c.credentials)})
		var syntax *SyntaxError
		if !errors.As(err, &syntax) || syntax.Origin.Line == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestServiceEndpoint(t *testing.T) {
	f := config(t, `[profile p]
services = own
endpoint_url = https://all.example.com
[services own]
sts =
  # the local one
  region = here
  endpoint_url = https://sts.example.com ; local

  endpoint_url=https://sts2.example.com
iam = https://not-a-block.example.com
sso =
  other = 1
[profile plain]
[profile bad]
services = bad
[services bad]
sts =
  endpoint_url = sts.example.com
`)
	for _, c := range []struct {
		name      string
		profile   string
		variables map[string]string
		flag      string
		want      map[string]string
	}{
		{"section", "p", nil, "", map[string]string{
			"sts": "https://sts2.example.com config:10", "iam": "https://all.example.com config:3", "sso": "https://all.example.com config:3"}},
		{"variable", "p", map[string]string{"AWS_ENDPOINT_URL": "https://env.example.com"}, "", map[string]string{
			"sts": "https://env.example.com AWS_ENDPOINT_URL", "sso_oidc": "https://env.example.com AWS_ENDPOINT_URL"}},
		{"variable for one", "p", map[string]string{"AWS_ENDPOINT_URL": "https://env.example.com", "AWS_ENDPOINT_URL_SSO_OIDC": "http://127.0.0.1:8080"}, "",
			map[string]string{"sts": "https://env.example.com AWS_ENDPOINT_URL", "sso_oidc": "http://127.0.0.1:8080 AWS_ENDPOINT_URL_SSO_OIDC"}},
		{"ignored", "p", map[string]string{"AWS_ENDPOINT_URL_STS": "https://env.example.com", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "True"}, "",
			map[string]string{"sts": " unset", "iam": " unset"}},
		{"flag", "p", map[string]string{"AWS_ENDPOINT_URL_STS": "https://env.example.com", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}, "https://flag.example.com",
			map[string]string{"sts": "https://flag.example.com --endpoint-url"}},
		{"nothing", "plain", nil, "", map[string]string{"sts": " unset"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := Inputs{Env: env(c.variables), Flags: map[string]Flag{"endpoint_url": {"--endpoint-url", c.flag}}}
			p := resolve(t, f, c.profile, in)
			for service, want := range c.want {
				v := p.ServiceEndpoint(service)
				if got := v.Text + " " + v.Origin.String(); got != want {
					t.Errorf("%s: %s, want %s", service, got, want)
				}
			}
		})
	}
	want := `config:19: endpoint_url is "sts.example.com", expected a URL, such as https://example.com`
	if got := fails(t, f, "bad", Inputs{}); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	want = `AWS_ENDPOINT_URL_STS is "x", expected a URL, such as https://example.com`
	if got := fails(t, f, "plain", Inputs{Env: env(map[string]string{"AWS_ENDPOINT_URL_STS": "x"})}); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

func TestTypedValues(t *testing.T) {
	p := resolve(t, config(t, `[profile p]
duration_seconds = 1800
mfa_max_age = 15m
use_fips_endpoint = TRUE
use_dualstack_endpoint = false
transitive_session_tags = b, ,a,
session_tags = team = blue, cost=4=2,
  Empty=
`), "p", Inputs{})
	for name, c := range map[string][2]any{
		"seconds":   {p.Duration("duration_seconds"), 30 * time.Minute},
		"duration":  {p.Duration("mfa_max_age"), 15 * time.Minute},
		"unset":     {p.Duration("min_ttl"), time.Duration(0)},
		"true":      {p.Bool("use_fips_endpoint"), true},
		"false":     {p.Bool("use_dualstack_endpoint"), false},
		"no bool":   {p.Bool("ignore_configured_endpoint_urls"), false},
		"list":      {p.List("transitive_session_tags"), []string{"b", "a"}},
		"no list":   {p.List("session_policy_arns"), []string(nil)},
		"tags":      {p.Tags("session_tags"), []Tag{{"Empty", ""}, {"cost", "4=2"}, {"team", "blue"}}},
		"no tags":   {p.Tags("region"), []Tag(nil)},
		"no value":  {p.Value("region"), Value{}},
		"not known": {p.Value("colour"), Value{}},
	} {
		if !reflect.DeepEqual(c[0], c[1]) {
			t.Errorf("%s: %v, want %v", name, c[0], c[1])
		}
	}
}

func TestWarnings(t *testing.T) {
	f := config(t, `[default]
region = eu-west-1 ; home
[profile p]
include_profile = mixin # shared
output = json
output = text
role_arn = arn:aws:iam::123456789012:role/Admin	# admin
credential_process = a # b
[profile mixin]
sso_session = corp
[profile mixin]
[sso-session corp]
sso_region = eu-west-1 # here
[profile other]
region = eu-west-1 # not used
`)
	p := resolve(t, f, "p", Inputs{})
	var lines []int
	for _, w := range p.Warnings() {
		lines = append(lines, w.Origin.Line)
	}
	if !slices.Equal(lines, []int{4, 6, 7, 11, 2, 13}) {
		t.Errorf("warnings %v", p.Warnings())
	}
	if p.Text("role_arn") != "arn:aws:iam::123456789012:role/Admin" || p.Text("region") != "eu-west-1" || p.Text("credential_process") != "a # b" {
		t.Errorf("%q %q %q", p.Text("role_arn"), p.Text("region"), p.Text("credential_process"))
	}
}
