package profile

import "slices"

// scope says for whom a flag or a variable counts.
type scope int

const (
	asked scope = iota // the profile that was asked for
	every              // and those that it takes its source from
)

// inherit says whether [default] passes a setting on to profiles that do not include it.
type inherit int

const (
	personal inherit = iota // decides who one is: stays with the profile
	ambient                 // says how and where: comes from [default] too
)

// style says how a value may be written.
type style int

const (
	plain   style = iota // can hold neither " #" nor " ;": what follows them is a comment
	free                 // may hold anything
	secret               // plain, and never shown
	private              // free, and never shown
)

// setting is one row of the table.
type setting struct {
	name    string
	env     []string // the first that is set counts
	scope   scope
	inherit inherit
	style   style
	in      rule // for the value in a file
	out     rule // for that of a flag or variable, where it differs
	noFile  bool // it is not read from files
}

// settings is every setting that is read, in the order in which the manual lists them.
var settings = []setting{
	{name: "region", env: []string{"AWS_REGION", "AWS_DEFAULT_REGION"}, inherit: ambient, in: regionName},
	{name: "output", inherit: ambient, in: formatName},

	{name: "mfa_serial", env: []string{"AWS_MFA_SERIAL"}, scope: every, inherit: ambient, in: mfaSerial},
	{name: "mfa_process", inherit: ambient, style: free, in: anyCommand},
	{name: "mfa_device", inherit: ambient, in: mfaDevice},
	{name: "mfa_max_age", inherit: ambient, in: anyDuration},

	{name: "role_arn", env: []string{"AWS_ROLE_ARN"}, in: roleARN},
	{name: "role_session_name", env: []string{"AWS_ROLE_SESSION_NAME"}, in: sessionName},
	{name: nameClaim, in: claimName},
	{name: "external_id", in: externalID},
	{name: "source_identity", env: []string{"AWS_SOURCE_IDENTITY"}, inherit: ambient, in: identity},
	{name: "session_tags", env: []string{"AWS_SESSION_TAGS"}, inherit: ambient, style: free, in: tagPairs},
	{name: "transitive_session_tags", env: []string{"AWS_TRANSITIVE_TAGS"}, inherit: ambient, in: tagKeys},
	{name: "session_policy", inherit: ambient, style: private, in: anyText},
	{name: "session_policy_arns", inherit: ambient, in: policyARNs},
	{name: "agent_access", inherit: ambient, in: agentAccess},
	{name: "agent_tags", inherit: ambient, in: onOff},

	{name: "duration_seconds", env: []string{"AWS_ASSUME_ROLE_TTL"}, scope: every, inherit: ambient, in: roleSeconds, out: roleDuration},
	{name: "session_token_ttl", env: []string{"AWS_SESSION_TOKEN_TTL"}, scope: every, noFile: true, in: userDuration},
	{name: "chained_session_token_ttl", env: []string{"AWS_CHAINED_SESSION_TOKEN_TTL"}, scope: every, noFile: true, in: userDuration},
	{name: "federation_token_ttl", env: []string{"AWS_FEDERATION_TOKEN_TTL"}, scope: every, noFile: true, in: userDuration},
	{name: "min_ttl", env: []string{"AWS_MIN_TTL"}, scope: every, noFile: true, in: leastDuration},

	{name: includeProfile, in: anyName},
	{name: sourceProfile, in: anyName},
	{name: "credential_source", in: credentialSource},
	{name: "credential_process", style: free, in: anyCommand},
	{name: "web_identity_token_file", style: free, in: anyPath},
	{name: "web_identity_token_process", style: free, in: anyCommand},
	{name: "trust_anchor_arn", in: trustAnchor},
	{name: "rolesanywhere_profile_arn", in: anywhereProfile},
	{name: "certificate", style: free, in: anyPath},
	{name: "private_key", style: free, in: keyPlace},

	{name: ssoSession, in: anyName},
	{name: ssoStartURL, in: webURL},
	{name: ssoRegion, in: regionName},
	{name: "sso_account_id", in: accountID},
	{name: "sso_role_name", in: ssoRoleName},
	{name: ssoScopes, in: scopes},
	{name: "login_session", in: signIn},

	{name: oidcSession, in: anyName},
	{name: oidcIssuer, in: issuerURL},
	{name: oidcClient, in: clientID},
	{name: oidcScopes, in: oidcScopeList},
	{name: oidcAudience, in: clientID},
	{name: oidcFlow, env: []string{"AWS_VAULT_OIDC_FLOW"}, scope: every, in: signInFlow},
	{name: oidcPort, in: onePort},
	{name: oidcPorts, in: portList},

	{name: signedIdentity, in: anyName},
	{name: identityIssuer, in: issuerURL},
	{name: identitySubject, in: identity},
	{name: identityAudience, in: clientID},
	{name: "require_touch", inherit: ambient, in: boolean},

	{name: "console_browser", inherit: ambient, in: browserName},
	{name: "console_container", in: anyName},

	{name: accessKeyID, style: secret, in: keyID},
	{name: secretAccessKey, style: secret, in: keySecret},
	{name: sessionToken, style: secret, in: keySecret},

	{name: "sts_regional_endpoints", env: []string{"AWS_STS_REGIONAL_ENDPOINTS"}, scope: every, inherit: ambient, in: stsEndpoints},
	{name: endpointURL, env: []string{"AWS_ENDPOINT_URL"}, scope: every, inherit: ambient, in: webURL},
	{name: servicesName, inherit: ambient, in: anyName},
	{name: ignoreEndpoints, env: []string{"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"}, scope: every, inherit: ambient, in: boolean},
	{name: "ca_bundle", env: []string{"AWS_CA_BUNDLE"}, scope: every, inherit: ambient, style: free, in: anyPath},
	{name: "use_fips_endpoint", env: []string{"AWS_USE_FIPS_ENDPOINT"}, scope: every, inherit: ambient, in: boolean},
	{name: "use_dualstack_endpoint", env: []string{"AWS_USE_DUALSTACK_ENDPOINT"}, scope: every, inherit: ambient, in: boolean},
	{name: "ec2_metadata_v1_disabled", env: []string{"AWS_EC2_METADATA_V1_DISABLED"}, scope: every, inherit: ambient, in: boolean},
	{name: "ec2_metadata_service_endpoint", env: []string{"AWS_EC2_METADATA_SERVICE_ENDPOINT"}, scope: every, inherit: ambient, in: webURL},
	{name: "ec2_metadata_service_endpoint_mode", env: []string{"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"}, scope: every, inherit: ambient, in: ipVersion},
	{name: "max_attempts", env: []string{"AWS_MAX_ATTEMPTS"}, scope: every, inherit: ambient, in: attempts},
	{name: "retry_mode", env: []string{"AWS_RETRY_MODE"}, scope: every, inherit: ambient, in: retryMode},
}

// Names that the resolution itself speaks of.
const (
	includeProfile   = "include_profile"
	sourceProfile    = "source_profile"
	ssoSession       = "sso_session"
	ssoStartURL      = "sso_start_url"
	ssoRegion        = "sso_region"
	ssoScopes        = "sso_registration_scopes"
	nameClaim        = "role_session_name_claim"
	oidcSession      = "oidc_session"
	oidcIssuer       = "oidc_issuer"
	oidcClient       = "oidc_client_id"
	oidcScopes       = "oidc_scopes"
	oidcAudience     = "oidc_audience"
	oidcFlow         = "oidc_flow"
	oidcPort         = "oidc_redirect_port"
	oidcPorts        = "oidc_redirect_ports"
	signedIdentity   = "identity"
	identityIssuer   = "identity_issuer"
	identitySubject  = "identity_subject"
	identityAudience = "identity_audience"
	accessKeyID      = "aws_access_key_id"
	secretAccessKey  = "aws_secret_access_key"
	sessionToken     = "aws_session_token"
	endpointURL      = "endpoint_url"
	servicesName     = "services"
	ignoreEndpoints  = "ignore_configured_endpoint_urls"
)

// alternatives exclude each other: of each two, the one that the more specific place sets counts.
var alternatives = [][2]string{
	{ssoSession, ssoStartURL},
	{sourceProfile, "credential_source"},
	{"web_identity_token_file", "web_identity_token_process"},
	{oidcSession, oidcIssuer},
	{oidcPort, oidcPorts},
	{"role_session_name", nameClaim},
}

// keyParts make one credential only if they stand in one section.
var keyParts = []string{accessKeyID, secretAccessKey, sessionToken}

// settingNamed is nil for a name that is no setting's. It looks through the table: a command asks
// for a few names, and to make a map of all costs more.
func settingNamed(name string) *setting {
	for i := range settings {
		if settings[i].name == name {
			return &settings[i]
		}
	}
	return nil
}

// cuts tells whether what follows " #" or " ;" in a file is a comment.
func (s *setting) cuts() bool { return s.style == plain || s.style == secret }

// hidden tells whether no message may show the value.
func (s *setting) hidden() bool { return s.style == secret || s.style == private }

// rule returns what holds for a value from there.
func (s *setting) rule(from OriginKind) rule {
	if s.out.ok != nil && (from == CommandLine || from == Environment) {
		return s.out
	}
	return s.in
}

// SettingInfo describes a setting for the manual.
type SettingInfo struct {
	Name         string
	Env          []string // the variables that set it, the first that is set counts
	EveryProfile bool     // a flag or variable counts for source profiles too
	FromDefault  bool     // [default] passes it on to all profiles
	InFiles      bool     // it is read from the config file
	Secret       bool     // no message shows it
	Want         string   // what its value in a file is
	Example      string
	WantOutside  string // what a flag or variable gives, where that differs
}

// Settings describes every setting that is read, in the manual's order.
func Settings() []SettingInfo {
	all := make([]SettingInfo, 0, len(settings))
	for _, s := range settings {
		all = append(all, SettingInfo{
			Name:         s.name,
			Env:          slices.Clone(s.env),
			EveryProfile: s.scope == every,
			FromDefault:  s.inherit == ambient,
			InFiles:      !s.noFile,
			Secret:       s.hidden(),
			Want:         s.in.want,
			Example:      s.in.example,
			WantOutside:  s.out.want,
		})
	}
	return all
}
