// Package plan decides how a profile's credentials will be created, and says why. A [Plan] is a
// value: making one asks nothing of AWS, the keystore or the user, so all of the vault's judgement
// can be tested from a table and shown by the explain command before anything happens. Carrying a
// plan out is left to package source.
package plan

import (
	"time"

	"aws-vault/vault/policy"
	"aws-vault/vault/profile"
)

// MaxChained is the longest AWS lets a role live when it is assumed with credentials
// that are themselves temporary.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html#iam-term-role-chaining
const MaxChained = time.Hour

// A Plan is the chain of steps from what the vault holds to the credentials that a
// profile asks for. It has at least one step, and only the first begins from nothing.
type Plan struct {
	Profile string   `json:"profile"`
	Region  string   `json:"region,omitempty"`       // what the command is told; empty for nothing
	URL     string   `json:"endpoint_url,omitempty"` // likewise
	Steps   []Step   `json:"steps"`
	Notes   []string `json:"notes,omitempty"` // what a user would want to know before it is carried out
	Calls   []Call   `json:"calls,omitempty"` // what the command itself asks of AWS

	MinTTL *time.Duration `json:"-"` // how long what is handed out must serve at least; nil leaves it to the command
}

// Last returns the step that makes the credentials which are handed out.
func (p Plan) Last() Step { return p.Steps[len(p.Steps)-1] }

// A Step turns the credentials of the step before it into new ones.
type Step struct {
	Kind     Kind          `json:"kind"`
	Profile  string        `json:"profile"` // whose settings it uses
	Yields   Yield         `json:"yields"`
	Lasts    time.Duration `json:"-"`                // asked of AWS; 0 leaves it to AWS
	MaxAge   time.Duration `json:"-"`                // the MFA code behind a kept session may be this old; 0 for any age
	Region   string        `json:"region,omitempty"` // where the call goes
	Endpoint Endpoint      `json:"endpoint,omitzero"`
	MFA      MFA           `json:"mfa,omitzero"`
	Policy   policy.Policy `json:"policy,omitzero"` // what the session may do at most; zero for no limit of ours
	Agent    string        `json:"agent,omitempty"` // the coding agent whose session it is; empty for a person's
	Keep     bool          `json:"keep"`            // may the session be kept
	Touch    bool          `json:"touch,omitempty"` // what is kept of it opens with a touch of a hardware key only
	Why      string        `json:"why"`             // one sentence, for explain
	From     []Setting     `json:"settings,omitempty"`
	Spec     Spec          `json:"spec"`
	Gave     string        `json:"-"` // the fingerprint of what it gave, where only that tells whose credentials they are; empty until then
}

// Kind names a kind of step in words that a user reads.
type Kind string

// The kinds of step.
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

// Tri is yes, no, or not known before the step was carried out.
type Tri string

// The values of a Tri.
const (
	Yes     Tri = "yes"
	No      Tri = "no"
	Unknown Tri = "unknown"
)

// Yield says whose credentials a step gives and whether they run out. It is all
// that later steps need to know of it.
type Yield struct {
	Who       Who `json:"who"`
	Temporary Tri `json:"temporary"` // Unknown counts as temporary
}

// Who is the kind of principal that credentials speak for.
type Who string

// The kinds of principal.
const (
	User      Who = "user"
	Role      Who = "role"
	Federated Who = "federated user"
	Nobody    Who = "unknown" // only AWS can tell
)

// MFA is the device that a step needs a code of.
type MFA struct {
	Serial  string `json:"serial,omitempty"`  // empty for none
	Process string `json:"process,omitempty"` // a command that prints the code; empty to ask
	Device  string `json:"device,omitempty"`  // what shows the code without a person reading it: yubikey; empty to ask
}

// A Setting is a value that decided something, and where it was read.
type Setting struct {
	Name   string `json:"name"`
	Text   string `json:"value"`
	Origin string `json:"origin"`
}

// Holdings are what the vault and the environment hold for the profiles of one
// chain. Whoever fills them asks only for those, so that planning lists nothing.
type Holdings struct {
	Keys         map[string]string      // a stored key's fingerprint, by profile name
	Environment  *EnvironmentKey        // the access key in the environment; nil for none
	Policies     map[string]string      // a session policy's text, by the file:// name it was given
	Named        map[string]NamedPolicy // the sections of session policies, by name
	Subjects     map[string]string      // whose web identity token a file holds, by its path as given
	Certificates map[string]string      // the fingerprint of what a certificate file holds, by its path as given
	Identities   map[Digest]Identity    // who is signed in, by the token of the sign-in
	SignIns      map[Digest]string      // which sign-in is held, by the token of the sign-in
	Signers      map[string]Signer      // the key that signs, by the identity's name
	Agents       profile.AgentRules     // what all profiles set about coding agents; only for an agent's plan
	Programs     string                 // a fingerprint of the environment that a profile's program sees
	Container    string                 // the address at which a container's credentials are; empty for none
}

// An EnvironmentKey is what a plan may know of an access key in the environment.
type EnvironmentKey struct {
	Fingerprint string // changes with the key
	Temporary   bool   // a session token came with it
}

// Purpose is what credentials are wanted for, where that decides how they are made.
type Purpose string

// The purposes.
const (
	Use     Purpose = ""        // a command or a program uses them
	Serve   Purpose = "serve"   // whoever asks a server of ours is given them: never a long-lived key
	Rotate  Purpose = "rotate"  // the key at the root is to be replaced
	Console Purpose = "console" // somebody signs in to the console
)

// Options are the choices that a command leaves to its user.
type Options struct {
	For       Purpose
	NoSession bool          // take no session token, even where one would do
	Duration  time.Duration // how long the credentials handed out, or the console, should last; 0 for what the profile says
	Name      string        // the role session name where a profile sets none
	As        string        // the name of a federated user; empty for the name of the user whose key it is
	Then      []string      // roles to assume after the profile's own steps, by their ARNs; their sessions are not kept

	Agent  policy.Agent // the coding agent that asks; zero for a person
	Limits []string     // what the credentials may do at most: [ReadOnly], or the ARN, the file:// or the name of a policy
}
