package profile

import "slices"

// scope defines the profiles to which a flag or an environment variable applies.
type scope int

const (
	targetOnly   scope = iota // only the requested profile
	everyProfile              // the requested profile and its source profiles
)

// inheritance defines whether [default] passes a setting on to profiles that do not include it.
type inheritance int

const (
	notInherited inheritance = iota // [default] does not pass the setting on; for example, role_arn
	fromDefault                     // [default] passes the setting on to all profiles; for example, region
)

// style defines how a value is written and printed.
type style int

const (
	plain   style = iota // cannot contain " #" or " ;", which begin a comment
	free                 // may contain any text
	secret               // like plain, but messages never show the value
	private              // like free, but messages never show the value
)

// setting is one row of the table of settings.
type setting struct {
	name        string
	env         []string // names of environment variables, in order of priority
	scope       scope
	inheritance inheritance
	style       style
	fileRule    rule // the rule for values in files
	outsideRule rule // the rule for values of flags and variables, if different
	noFile      bool // whether values in files are ignored
}

// settings are all settings that aws-vault reads, in the order of the manual.
var settings = []setting{
	{name: "region", env: []string{"AWS_REGION", "AWS_DEFAULT_REGION"}, inheritance: fromDefault, fileRule: regionName},
	{name: "output", inheritance: fromDefault, fileRule: formatName},

	{name: "mfa_serial", env: []string{"AWS_MFA_SERIAL"}, scope: everyProfile, inheritance: fromDefault, fileRule: mfaSerial},
	{name: "mfa_process", inheritance: fromDefault, style: free, fileRule: anyCommand},
	{name: "mfa_device", inheritance: fromDefault, fileRule: mfaDevice},
	{name: "mfa_max_age", inheritance: fromDefault, fileRule: anyDuration},

	{name: "role_arn", env: []string{"AWS_ROLE_ARN"}, fileRule: roleARN},
	{name: "role_session_name", env: []string{"AWS_ROLE_SESSION_NAME"}, fileRule: sessionName},
	{name: nameClaim, fileRule: claimName},
	{name: "external_id", fileRule: externalID},
	{name: "source_identity", env: []string{"AWS_SOURCE_IDENTITY"}, inheritance: fromDefault, fileRule: identity},
	{name: "session_tags", env: []string{"AWS_SESSION_TAGS"}, inheritance: fromDefault, style: free, fileRule: tagPairs},
	{name: "transitive_session_tags", env: []string{"AWS_TRANSITIVE_TAGS"}, inheritance: fromDefault, fileRule: tagKeys},
	{name: "session_policy", inheritance: fromDefault, style: private, fileRule: anyText},
	{name: "session_policy_arns", inheritance: fromDefault, fileRule: policyARNs},
	{name: "agent_access", inheritance: fromDefault, fileRule: agentAccess},
	{name: "agent_tags", inheritance: fromDefault, fileRule: onOff},

	{name: "duration_seconds", env: []string{"AWS_ASSUME_ROLE_TTL"}, scope: everyProfile, inheritance: fromDefault, fileRule: roleSeconds, outsideRule: roleDuration},
	{name: "session_token_ttl", env: []string{"AWS_SESSION_TOKEN_TTL"}, scope: everyProfile, noFile: true, fileRule: userDuration},
	{name: "chained_session_token_ttl", env: []string{"AWS_CHAINED_SESSION_TOKEN_TTL"}, scope: everyProfile, noFile: true, fileRule: userDuration},
	{name: "federation_token_ttl", env: []string{"AWS_FEDERATION_TOKEN_TTL"}, scope: everyProfile, noFile: true, fileRule: userDuration},
	{name: "min_ttl", env: []string{"AWS_MIN_TTL"}, scope: everyProfile, noFile: true, fileRule: leastDuration},

	{name: "allow_long_lived", inheritance: fromDefault, fileRule: yesNo},
	{name: "audit", env: []string{"AWS_VAULT_AUDIT"}, inheritance: fromDefault, style: free, fileRule: auditPath},

	{name: includeProfile, fileRule: anyName},
	{name: sourceProfile, fileRule: anyName},
	{name: "credential_source", fileRule: credentialSource},
	{name: "credential_process", style: free, fileRule: anyCommand},
	{name: "web_identity_token_file", style: free, fileRule: anyPath},
	{name: "web_identity_token_process", style: free, fileRule: anyCommand},
	{name: "trust_anchor_arn", fileRule: trustAnchor},
	{name: "rolesanywhere_profile_arn", fileRule: anywhereProfile},
	{name: "certificate", style: free, fileRule: anyPath},
	{name: "private_key", style: free, fileRule: privateKeyLocation},

	{name: ssoSession, fileRule: anyName},
	{name: ssoStartURL, fileRule: pageURL},
	{name: ssoRegion, fileRule: regionName},
	{name: "sso_account_id", fileRule: accountID},
	{name: "sso_role_name", fileRule: ssoRoleName},
	{name: ssoScopes, fileRule: scopes},
	{name: "login_session", fileRule: signIn},

	{name: oidcSession, fileRule: anyName},
	{name: oidcIssuer, fileRule: providerURL},
	{name: oidcClient, fileRule: clientID},
	{name: oidcScopes, fileRule: oidcScopeList},
	{name: oidcAudience, fileRule: clientID},
	{name: oidcFlow, env: []string{"AWS_VAULT_OIDC_FLOW"}, scope: everyProfile, fileRule: signInFlow},
	{name: oidcPort, fileRule: onePort},
	{name: oidcPorts, fileRule: portList},

	{name: signedIdentity, fileRule: anyName},
	{name: identityIssuer, fileRule: issuerURL},
	{name: identitySubject, fileRule: identity},
	{name: identityAudience, fileRule: clientID},
	{name: "require_touch", inheritance: fromDefault, fileRule: boolean},

	{name: "console_browser", inheritance: fromDefault, fileRule: browserName},
	{name: "console_container", fileRule: anyName},

	{name: accessKeyID, style: secret, fileRule: keyID},
	{name: secretAccessKey, style: secret, fileRule: keySecret},
	{name: sessionToken, style: secret, fileRule: keySecret},

	{name: "sts_regional_endpoints", env: []string{"AWS_STS_REGIONAL_ENDPOINTS"}, scope: everyProfile, inheritance: fromDefault, fileRule: stsEndpoints},
	{name: endpointURL, env: []string{"AWS_ENDPOINT_URL"}, scope: everyProfile, inheritance: fromDefault, fileRule: webURL},
	{name: servicesName, inheritance: fromDefault, fileRule: anyName},
	{name: ignoreEndpoints, env: []string{"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"}, scope: everyProfile, inheritance: fromDefault, fileRule: boolean},
	{name: "allow_plain_http", inheritance: fromDefault, fileRule: hostList},
	{name: "ca_bundle", env: []string{"AWS_CA_BUNDLE"}, scope: everyProfile, inheritance: fromDefault, style: free, fileRule: anyPath},
	{name: "use_fips_endpoint", env: []string{"AWS_USE_FIPS_ENDPOINT"}, scope: everyProfile, inheritance: fromDefault, fileRule: boolean},
	{name: "use_dualstack_endpoint", env: []string{"AWS_USE_DUALSTACK_ENDPOINT"}, scope: everyProfile, inheritance: fromDefault, fileRule: boolean},
	{name: "ec2_metadata_v1_disabled", env: []string{"AWS_EC2_METADATA_V1_DISABLED"}, scope: everyProfile, inheritance: fromDefault, fileRule: boolean},
	{name: "ec2_metadata_service_endpoint", env: []string{"AWS_EC2_METADATA_SERVICE_ENDPOINT"}, scope: everyProfile, inheritance: fromDefault, fileRule: webURL},
	{name: "ec2_metadata_service_endpoint_mode", env: []string{"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"}, scope: everyProfile, inheritance: fromDefault, fileRule: ipVersion},
	{name: "max_attempts", env: []string{"AWS_MAX_ATTEMPTS"}, scope: everyProfile, inheritance: fromDefault, fileRule: attempts},
	{name: "retry_mode", env: []string{"AWS_RETRY_MODE"}, scope: everyProfile, inheritance: fromDefault, fileRule: retryMode},
}

// Names of settings that the code of this package uses.
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

// alternatives lists pairs of settings that exclude each other. If both settings of a pair are set,
// only the setting from the place with the higher priority is used.
var alternatives = [][2]string{
	{ssoSession, ssoStartURL},
	{sourceProfile, "credential_source"},
	{"web_identity_token_file", "web_identity_token_process"},
	{oidcSession, oidcIssuer},
	{oidcPort, oidcPorts},
	{"role_session_name", nameClaim},
}

// keyParts are the parts of an access key. Parts from different profiles or files do not form an access key.
var keyParts = []string{accessKeyID, secretAccessKey, sessionToken}

// settingNamed returns the setting with that name, or nil. It searches the table without a map, because
// a command makes only a few searches, and building a map would take longer.
func settingNamed(name string) *setting {
	for i := range settings {
		if settings[i].name == name {
			return &settings[i]
		}
	}
	return nil
}

// allowsComments reports whether " #" and " ;" begin a comment after the value in a file.
func (s *setting) allowsComments() bool { return s.style == plain || s.style == secret }

// isSecret reports whether messages must not show the value.
func (s *setting) isSecret() bool { return s.style == secret || s.style == private }

// rule returns the rule for a value that is set in a place of that kind.
func (s *setting) rule(from OriginKind) rule {
	if s.outsideRule.ok != nil && (from == CommandLine || from == Environment) {
		return s.outsideRule
	}
	return s.fileRule
}

// SettingInfo describes a setting for the manual.
type SettingInfo struct {
	Name         string
	Env          []string // names of the variables, in order of priority
	EveryProfile bool     // whether a flag or variable also applies to source profiles
	FromDefault  bool     // whether [default] passes the setting on to all profiles
	InFiles      bool     // whether the setting can be in the config file
	Secret       bool     // whether messages never show the value
	Want         string   // description of a valid value in a file
	Example      string
	WantOutside  string // description of a valid value in a flag or variable, if different
}

// Settings describes all settings that aws-vault reads, in the order of the manual.
func Settings() []SettingInfo {
	all := make([]SettingInfo, 0, len(settings))
	for _, s := range settings {
		all = append(all, SettingInfo{
			Name:         s.name,
			Env:          slices.Clone(s.env),
			EveryProfile: s.scope == everyProfile,
			FromDefault:  s.inheritance == fromDefault,
			InFiles:      !s.noFile,
			Secret:       s.isSecret(),
			Want:         s.fileRule.want,
			Example:      s.fileRule.example,
			WantOutside:  s.outsideRule.want,
		})
	}
	return all
}
