package plan

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"aws-vault/vault/policy"
	"aws-vault/vault/profile"
)

// An input describes one setting. values has two values of the setting. They must lead to different digests,
// unless excluded gives a reason. context has the other settings of the profile.
type input struct {
	values   [2]string
	context  string
	excluded string // why both values lead to the same digest; empty if the digests must differ
}

const (
	cached     = "a user's cached session also serves requests for a shorter time (decision 8)"
	howCode    = "how the code is read does not change what it opens (decision 8)"
	howTo      = "how you sign in does not change who you are: the subject is in the digest"
	enough     = "decides whether a cached session will do, not what it is"
	browser    = "decides which browser is opened"
	tries      = "decides how often a call is repeated, not its result"
	permission = "decides whether a call is allowed, not its result"
	metadata   = "credential_source = Ec2InstanceMetadata\n"
	static     = "aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = " + canary + "\n"
)

// inputs has an entry for each setting.
var inputs = map[string]input{
	"region":                  {[2]string{"us-west-2", "cn-north-1"}, "", ""},
	"output":                  {[2]string{"json", "text"}, arn, "decides how a command prints"},
	"mfa_serial":              {[2]string{"m111111111", "m222222222"}, arn, ""},
	"mfa_process":             {[2]string{"printcode", "othercode"}, "mfa_serial = m111111111\n" + arn, howCode},
	"mfa_device":              {[2]string{"yubikey", ""}, "mfa_serial = m111111111\n" + arn, howCode},
	"mfa_max_age":             {[2]string{"1h", "2h"}, "mfa_serial = m111111111\n" + arn, enough},
	"role_arn":                {[2]string{"arn:aws:iam::123456789012:role/a", "arn:aws:iam::123456789012:role/b"}, "", ""},
	"role_session_name":       {[2]string{"alice", "bob"}, arn, ""},
	"role_session_name_claim": {[2]string{"sub", "email"}, oidc + arn, ""},
	"external_id":             {[2]string{"x1", "x2"}, arn, ""},
	"source_identity":         {[2]string{"alice", "bob"}, arn, ""},
	"session_tags":            {[2]string{"a=b,c=d", "a=bc,c=d"}, arn, ""},
	"transitive_session_tags": {[2]string{"a", "a,c"}, "session_tags = a=b,c=d\n" + arn, ""},
	"session_policy":          {[2]string{"file:///policy", careful}, arn, ""},
	"session_policy_arns":     {[2]string{managed + "A", managed + "A," + managed + "B"}, arn, ""},
	"agent_access":            {[2]string{"read-only", "named"}, arn, ""},
	"agent_tags":              {[2]string{"on", "off"}, "agent_access = read-only\n" + arn, ""},

	"duration_seconds":          {[2]string{"900", "1800"}, arn, ""},
	"session_token_ttl":         {[2]string{"30m", "1h"}, "mfa_serial = m111111111\n", cached},
	"chained_session_token_ttl": {[2]string{"30m", "1h"}, "mfa_serial = m111111111\n", cached},
	"federation_token_ttl":      {[2]string{"30m", "1h"}, "", ""},
	"allow_long_lived":          {[2]string{"yes", "no"}, arn, permission},
	"audit":                     {excluded: "decides only where the use of credentials is recorded"},
	"min_ttl":                   {[2]string{"5m", "10m"}, arn, enough},

	"include_profile":            {excluded: "decides where other settings are read from: those count"},
	"source_profile":             {excluded: "decides where the chain goes on: its steps count"},
	"credential_source":          {[2]string{"EcsContainer", "Ec2InstanceMetadata"}, arn, ""},
	"credential_process":         {[2]string{"keys", "otherkeys"}, arn, ""},
	"web_identity_token_file":    {[2]string{"/t", "/u"}, arn, ""},
	"web_identity_token_process": {[2]string{"token", "othertoken"}, arn, ""},
	"trust_anchor_arn":           {[2]string{anchor + "t", anchor + "u"}, anywhere + arn, ""},
	"rolesanywhere_profile_arn":  {[2]string{"arn:aws:rolesanywhere:eu-west-1:123456789012:profile/p", "arn:aws:rolesanywhere:eu-west-1:123456789012:profile/q"}, anywhere + arn, ""},
	"certificate":                {[2]string{"alice.pem", "bob.pem"}, anywhere + arn, ""},
	"private_key":                {[2]string{"alice.key", "piv:9c"}, anywhere + arn, ""},

	"sso_session":             {[2]string{"corp", "lab"}, "sso_account_id = 123456789012\nsso_role_name = Dev\n", ""},
	"sso_start_url":           {[2]string{"https://corp.awsapps.com/start", "https://lab.awsapps.com/start"}, sso, ""},
	"sso_region":              {[2]string{"eu-west-1", "us-east-1"}, sso, ""},
	"sso_account_id":          {[2]string{"123456789012", "210987654321"}, sso, ""},
	"sso_role_name":           {[2]string{"Dev", "Ops"}, sso, ""},
	"sso_registration_scopes": {[2]string{"sso:account:access", "sso:account:access,more"}, sso, ""},
	"login_session":           {[2]string{"arn:aws:iam::123456789012:user/alice", "arn:aws:iam::123456789012:user/bob"}, arn, ""},

	"oidc_session":        {[2]string{"corp", "lab"}, arn, ""},
	"oidc_issuer":         {[2]string{"https://id.example.com", "https://id.example.org"}, oidc + arn, ""},
	"oidc_client_id":      {[2]string{"aws", "other"}, oidc + arn, ""},
	"oidc_scopes":         {[2]string{"openid", "openid,email"}, oidc + arn, ""},
	"oidc_audience":       {[2]string{"a", "b"}, oidc + arn, ""},
	"oidc_flow":           {[2]string{"browser", "device"}, oidc + arn, howTo},
	"oidc_redirect_port":  {[2]string{"8000", "8001"}, oidc + arn, howTo},
	"oidc_redirect_ports": {[2]string{"8000,8001", "8002"}, oidc + arn, howTo},
	"identity":            {[2]string{"me", "you"}, arn, ""},
	"identity_issuer":     {[2]string{"https://id.example.com/me", "https://id.example.com/you"}, "identity = mine\nidentity_subject = me@example.com\n" + arn, ""},
	"identity_subject":    {[2]string{"me@example.com", "you@example.com"}, "identity = mine\nidentity_issuer = https://id.example.com\n" + arn, ""},
	"identity_audience":   {[2]string{"a", "b"}, "identity = me\n" + arn, ""},
	"require_touch":       {[2]string{"true", "false"}, arn, ""},

	"console_browser":       {[2]string{"firefox", "chromium"}, arn, browser},
	"console_container":     {[2]string{"a", "b"}, arn, browser},
	"aws_access_key_id":     {[2]string{"AKIAIOSFODNN7EXAMPLE", "AKIAI44QH8DHBEXAMPLE"}, static + arn, ""},
	"aws_secret_access_key": {[2]string{canary, "EXAMPLE" + canary}, static + arn, ""},
	"aws_session_token":     {[2]string{"t", "u"}, static + arn, ""},

	"sts_regional_endpoints":             {[2]string{"regional", "legacy"}, arn, ""},
	"endpoint_url":                       {[2]string{"http://127.0.0.1:1", "http://127.0.0.1:2"}, arn, ""},
	"services":                           {[2]string{"here", "there"}, arn, ""},
	"ignore_configured_endpoint_urls":    {[2]string{"true", "false"}, "endpoint_url = http://127.0.0.1:1\n" + arn, ""},
	"allow_plain_http":                   {[2]string{"a", "b"}, "endpoint_url = http://a\n" + arn, permission},
	"ca_bundle":                          {[2]string{"/roots", "/otherroots"}, arn, ""},
	"use_fips_endpoint":                  {[2]string{"true", "false"}, arn, ""},
	"use_dualstack_endpoint":             {[2]string{"true", "false"}, arn, ""},
	"ec2_metadata_v1_disabled":           {[2]string{"true", "false"}, metadata + arn, ""},
	"ec2_metadata_service_endpoint":      {[2]string{"http://127.0.0.1:1", "http://127.0.0.1:2"}, metadata + arn, ""},
	"ec2_metadata_service_endpoint_mode": {[2]string{"IPv4", "IPv6"}, metadata + arn, ""},
	"max_attempts":                       {[2]string{"1", "5"}, arn, tries},
	"retry_mode":                         {[2]string{"standard", "adaptive"}, arn, tries},
}

const anchor = "arn:aws:rolesanywhere:eu-west-1:123456789012:trust-anchor/"

// withLine returns the lines with a different value for one setting.
func withLine(lines, setting, value string) string {
	var all []string
	for line := range strings.Lines(lines) {
		if !strings.HasPrefix(line, setting+" ") {
			all = append(all, line)
		}
	}
	return strings.Join(append(all, setting+" = "+value+"\n"), "")
}

// singleProfile returns the input for one profile. The profile has a stored key unless the lines set
// another source of credentials.
func singleProfile(lines string) planInput {
	w := emptyInput()
	w.profiles = []string{lines}
	for _, begins := range []string{"sso_", "oidc_", "identity ", "trust_anchor", "credential_", "web_identity", "login_", "aws_"} {
		if strings.Contains("\n"+lines, "\n"+begins) {
			return w
		}
	}
	w.holdings.Keys["p0"] = "k"
	return w
}

// lastDigest returns the digest of the last step.
func (w planInput) lastDigest(t *testing.T) Digest {
	t.Helper()
	pl, err := w.plan()
	if err != nil {
		t.Fatalf("%v\n%s", err, w.profiles)
	}
	return pl.Digest(len(pl.Steps) - 1)
}

// Each setting changes the digest, except for settings whose entry in inputs sets excluded. The test fails for a
// setting without an entry in inputs.
func TestEverySettingChangesDigest(t *testing.T) {
	for _, s := range profile.Settings() {
		in, known := inputs[s.Name]
		if !known {
			t.Errorf("setting %s is not in inputs", s.Name)
		}
		if in.values == [2]string{} {
			continue
		}
		var digests [2]Digest
		for i, value := range in.values {
			w := singleProfile(in.context)
			if s.InFiles {
				w = singleProfile(withLine(in.context, s.Name, value))
			} else {
				w.env = map[string]string{s.Env[0]: value}
			}
			if strings.HasPrefix(s.Name, "agent_") {
				w.options.Agent = policy.Agent{Name: "goose", Variable: "AGENT"}
			}
			if s.Name == "federation_token_ttl" {
				w.options.Purpose = Console
			}
			digests[i] = w.lastDigest(t)
		}
		if same := digests[0] == digests[1]; same != (in.excluded != "") {
			t.Errorf("setting %s changes the digest: %v, reason for no change: %q", s.Name, !same, in.excluded)
		}
	}
}

// Each field of Holdings changes the digest of a profile that uses the field.
func TestEveryHoldingChangesDigest(t *testing.T) {
	change := func(m any) { // changes each value of a map
		v := reflect.ValueOf(m)
		for _, k := range v.MapKeys() {
			v.SetMapIndex(k, changed(v.MapIndex(k)))
		}
	}
	known := map[string]bool{}
	lines := func(setting, value string) string { return withLine(inputs[setting].context, setting, value) }
	for field, tt := range map[string]struct {
		lines  string
		change func(*planInput)
	}{
		"Keys":        {arn, func(w *planInput) { change(w.holdings.Keys) }},
		"Environment": {lines("credential_source", "Environment"), func(w *planInput) { w.holdings.Environment = &EnvironmentKey{Fingerprint: "g"} }},
		"Policies":    {lines("session_policy", "file:///policy"), func(w *planInput) { w.holdings.Policies["file:///policy"] = fence }},
		"Named": {arn, func(w *planInput) {
			w.holdings.Named = map[string]NamedPolicy{"named": {ARNs: []string{managed + "D"}}}
		}},
		"Subjects":     {lines("web_identity_token_file", "/t"), func(w *planInput) { change(w.holdings.Subjects) }},
		"Certificates": {anywhere + arn, func(w *planInput) { change(w.holdings.Certificates) }},
		"Identities":   {oidc + arn, func(w *planInput) { w.caller = "another" }},
		"SignIns":      {sso, func(w *planInput) { w.caller = "another" }},
		"Signers":      {lines("identity", "me"), func(w *planInput) { w.holdings.Signers = map[string]Signer{"me": {KeyID: "l"}} }},
		"Agents":       {lines("agent_access", "read-only"), func(w *planInput) { w.options.Agent = policy.Agent{}; w.profiles[0] = arn }},
		"Programs":     {lines("credential_process", "keys"), func(w *planInput) { w.holdings.Programs = "f" }},
		"Container":    {lines("credential_source", "EcsContainer"), func(w *planInput) { w.holdings.Container = "http://127.0.0.1:9" }},
	} {
		prepare := func() planInput {
			w := singleProfile(tt.lines)
			switch field {
			case "Named":
				w.options.Limits = []string{"named"}
			case "Agents":
				w.options.Agent = policy.Agent{Name: "goose", Variable: "AGENT"}
			}
			return w
		}
		before, after := prepare(), prepare()
		tt.change(&after)
		if before.lastDigest(t) == after.lastDigest(t) {
			t.Errorf("a change of Holdings.%s does not change the digest", field)
		}
		known[field] = true
	}
	for i := range reflect.TypeFor[Holdings]().NumField() {
		if name := reflect.TypeFor[Holdings]().Field(i).Name; !known[name] {
			t.Errorf("Holdings.%s is not covered by this test", name)
		}
	}
}

// Each field of Options changes the digest of a profile. The lines in the table describe a profile for which the
// field matters.
func TestEveryOptionChangesDigest(t *testing.T) {
	known := map[string]bool{}
	for _, tt := range []struct {
		field, lines string
		change       func(*Options)
	}{
		{"Purpose", "", func(o *Options) { o.Purpose = Console }},
		{"NoSession", "mfa_serial = m111111111\n", func(o *Options) { o.NoSession = true }},
		{"Duration", arn, func(o *Options) { o.Duration = 30 * time.Minute }},
		{"SessionName", arn, func(o *Options) { o.SessionName = "bob" }},
		{"FederatedName", "", func(o *Options) { o.Purpose, o.FederatedName = Console, "bob" }},
		{"ExtraRoles", arn, func(o *Options) { o.ExtraRoles = []string{asked} }},
		{"Agent", arn, func(o *Options) { o.Agent = policy.Agent{Name: "goose", Variable: "AGENT"} }},
		{"Limits", arn, func(o *Options) { o.Limits = []string{ReadOnly} }},
	} {
		before, after := singleProfile(tt.lines), singleProfile(tt.lines)
		if tt.field == "FederatedName" {
			before.options.Purpose = Console
		}
		tt.change(&after.options)
		if before.lastDigest(t) == after.lastDigest(t) {
			t.Errorf("option %s does not change the digest", tt.field)
		}
		known[tt.field] = true
	}
	for i := range reflect.TypeFor[Options]().NumField() {
		if name := reflect.TypeFor[Options]().Field(i).Name; !known[name] {
			t.Errorf("option %s is not covered by this test", name)
		}
	}
}
