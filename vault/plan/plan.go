// Package plan decides how a profile's credentials will be created, and why. A [Plan] is a value:
// planning calls neither AWS nor the keystore and never prompts. All decisions can therefore be
// tested with a table, and the explain command can print them before anything happens. Package
// source carries a plan out.
package plan

import (
	"time"

	"aws-vault/vault/policy"
	"aws-vault/vault/profile"
)

// MaxChained is the longest session that AWS allows for a role that is assumed with temporary
// credentials.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html#iam-term-role-chaining
const MaxChained = time.Hour

// A Plan is the list of steps that create the credentials of a profile. It has at least one step.
// The first step gets credentials from a source, and each later step uses the credentials of the
// step before it.
type Plan struct {
	Profile string `json:"profile"`
	Region  string `json:"region,omitempty"`       // the region that the command receives; empty for none
	URL     string `json:"endpoint_url,omitempty"` // the endpoint URL that the command receives; empty for none
	// the endpoint URLs that the command receives for single services, by the name of the service
	ServiceURLs map[string]string `json:"service_endpoint_urls,omitempty"`
	// whether the command must ignore configured endpoint URLs: true, false, or empty if no profile sets it
	IgnoreURLs string   `json:"ignore_configured_endpoint_urls,omitempty"`
	Steps      []Step   `json:"steps"`
	Notes      []string `json:"notes,omitempty"` // what the user should know before the plan is carried out
	Calls      []Call   `json:"calls,omitempty"` // the calls to AWS that the command itself makes

	Audit string `json:"-"` // the file that records each use of the credentials; empty for none
	// the account of the user or role whose credentials the first step returns; empty if the settings do not tell
	Account string         `json:"-"`
	MinTTL  *time.Duration `json:"-"` // the minimum remaining lifetime of the credentials; nil if the command decides
}

// Last returns the step that creates the final credentials.
func (p Plan) Last() Step { return p.Steps[len(p.Steps)-1] }

// A Step creates credentials, usually from those of the step before it.
type Step struct {
	Kind     Kind          `json:"kind"`
	Profile  string        `json:"profile"` // the profile whose settings the step uses
	Yields   Yield         `json:"yields"`
	Duration time.Duration `json:"-"` // lifetime to request from AWS; 0 for AWS's default
	// maximum age of the MFA code with which a cached session was created; 0 for no maximum. A session with an
	// older code is not used.
	MaxAge    time.Duration `json:"-"`
	Region    string        `json:"region,omitempty"` // the region of the call
	Endpoint  Endpoint      `json:"endpoint,omitzero"`
	MFA       MFA           `json:"mfa,omitzero"`
	UnusedMFA UnusedMFA     `json:"-"`
	Policy    policy.Policy `json:"policy,omitzero"` // the session policy; zero for none
	Agent     string        `json:"agent,omitempty"` // the coding agent that owns the session; empty for a user
	Cacheable bool          `json:"keep"`            // whether the session may be cached
	// whether reading the cached session requires a touch of a security key
	Touch    bool      `json:"touch,omitempty"`
	Why      string    `json:"why"` // the reason for the step: one sentence, for explain
	Settings []Setting `json:"settings,omitempty"`
	Spec     Spec      `json:"spec"`
	// fingerprint of the credentials that the step returned; empty before the step has run, and for steps for
	// which CallerFromOutput is false
	CallerFingerprint string `json:"-"`
}

// Kind is the name of a kind of step, as users see it.
type Kind string

// The kinds of steps.
const (
	KindStoredKey       Kind = "stored key"
	KindStaticKey       Kind = "static key"
	KindEnvironment     Kind = "environment"
	KindMetadata        Kind = "EC2 metadata"
	KindContainer       Kind = "container endpoint"
	KindProcess         Kind = "credential process"
	KindWebIdentity     Kind = "web identity"
	KindOIDC            Kind = "OIDC role"
	KindIdentity        Kind = "signed identity"
	KindRolesAnywhere   Kind = "Roles Anywhere"
	KindSSO             Kind = "SSO role"
	KindLogin           Kind = "aws login"
	KindSessionToken    Kind = "session token"
	KindAssumeRole      Kind = "assume role"
	KindFederationToken Kind = "federation token"
)

// Tri is yes, no or unknown. Unknown means that the value is known only after the step has run.
type Tri string

// The values of Tri.
const (
	Yes     Tri = "yes"
	No      Tri = "no"
	Unknown Tri = "unknown"
)

// Yield describes the credentials that a step returns. It has everything about the step that later
// steps depend on.
type Yield struct {
	Principal PrincipalKind `json:"who"`
	Temporary Tri           `json:"temporary"` // whether the credentials are temporary; Unknown is treated as Yes
}

// PrincipalKind is the kind of principal that credentials belong to.
type PrincipalKind string

// The kinds of principals.
const (
	User             PrincipalKind = "user"
	Role             PrincipalKind = "role"
	Federated        PrincipalKind = "federated user"
	UnknownPrincipal PrincipalKind = "unknown" // only AWS knows the kind of principal
)

// MFA describes the device whose code a step needs.
type MFA struct {
	Serial  string `json:"serial,omitempty"`  // empty if no code is needed
	Process string `json:"process,omitempty"` // a command that prints the code; empty to prompt
	// "yubikey" to read the code from a YubiKey without a prompt; empty to prompt
	Device string `json:"device,omitempty"`
}

// UnusedMFA describes an MFA device that a source profile sets, although the profile of the step sets none. The
// step therefore sends no MFA code, although its call could contain one. UnusedMFA is zero if there is no such
// device.
type UnusedMFA struct {
	Serial  string
	Profile string // the source profile
}

// A Setting is a setting that influenced a step, with the place where it is set.
type Setting struct {
	Name   string `json:"name"`
	Text   string `json:"value"`
	Origin string `json:"origin"`
}

// Holdings are the facts from the vault and the environment that a plan depends on. They include only
// the keys of the profiles in one chain, so planning does not need a list of all keys in the keystore.
type Holdings struct {
	Keys         map[string]string      // fingerprints of stored keys, by profile name
	Environment  *EnvironmentKey        // the access key in the environment; nil for none
	Policies     map[string]string      // texts of session policies, by their file:// URL
	Named        map[string]NamedPolicy // the session-policy sections, by name
	Subjects     map[string]string      // results of TokenSubject, by the path of the token file
	Certificates map[string]string      // fingerprints of certificates, by the path of the file
	Identities   map[Digest]Identity    // users who are signed in to OIDC providers, by TokenDigest
	SignIns      map[Digest]string      // identifiers of other sign-ins, by TokenDigest
	Signers      map[string]Signer      // signing keys, by the name of the identity
	Agents       profile.AgentRules     // agent rules of all profiles; only for a coding agent's plan
	Programs     string                 // fingerprint of the environment that a profile's program sees
	Container    string                 // the URL of the container's credential endpoint; empty for none
}

// An EnvironmentKey describes the access key in the environment without its secret.
type EnvironmentKey struct {
	Fingerprint string // changes with the key
	Temporary   bool   // whether the environment also has a session token
}

// Purpose is what the credentials are used for. All purposes that need no special plan share the value Use.
type Purpose string

// The purposes.
const (
	Use     Purpose = ""        // a command or a program uses the credentials
	Serve   Purpose = "serve"   // a server of aws-vault provides the credentials, so they must be temporary
	Rotate  Purpose = "rotate"  // the access key at the start of the chain is replaced
	Console Purpose = "console" // the user signs in to the console
)

// Options are the choices of the user.
type Options struct {
	Purpose   Purpose
	NoSession bool // whether the plan must not create a session token
	// requested duration of the final credentials, or of the console session; 0 for the profile's setting
	Duration      time.Duration
	SessionName   string   // role session name for profiles that set none
	FederatedName string   // name of the federated user; empty for the name of the calling user
	ExtraRoles    []string // ARNs of roles to assume after the profile's own steps; their sessions are not cached

	Agent  policy.Agent // the coding agent that requests the credentials; zero for a user
	Limits []string     // limits of the credentials: [ReadOnly], or the ARN, file:// URL or name of a session policy
}
