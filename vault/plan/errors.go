package plan

import (
	"fmt"
	"time"

	"aws-vault/vault/profile"
)

// NoProfileError is returned for a name that neither a config file nor the vault knows.
type NoProfileError struct {
	Name string
	Near []string // names like it, best first
}

func (e *NoProfileError) Error() string {
	return fmt.Sprintf("there is no profile %q, and no key is stored under that name", e.Name)
}

// NoCredentialsError is returned for a profile whose chain ends in a profile that
// holds no key and names no source of credentials.
type NoCredentialsError struct {
	Profile string         // the profile asked for
	End     string         // the profile where the chain ends
	Defined bool           // that one has a section of its own
	Origin  profile.Origin // where it is named as source_profile, if it is
}

func (e *NoCredentialsError) Error() string {
	switch {
	case e.Profile == e.End:
		return fmt.Sprintf("profile %q has no stored key and names no source of credentials", e.Profile)
	case !e.Defined:
		return fmt.Sprintf("%s: source_profile is %q, want a profile or a stored key of that name", e.Origin, e.End)
	}
	return fmt.Sprintf("%s: source_profile is %q, which has no stored key and names no source of credentials", e.Origin, e.End)
}

// ChainedMFAError is returned where a code would have to be shown by the credentials
// of a role or of a session: the device is a user's, and AWS takes its code with the
// user's own key alone.
type ChainedMFAError struct {
	Profile   string // the role that asks for the code
	Serial    string
	Origin    profile.Origin // of the serial
	Before    string         // the profile whose credentials would show it
	NoSession bool           // no session token was to be taken
}

func (e *ChainedMFAError) Error() string {
	why := "which are not a user's own key"
	if e.NoSession {
		why = "as no session token is to be taken"
	}
	return fmt.Sprintf("%s: profile %s wants a code of %s, but it would be shown with the credentials of %s, %s",
		e.Origin, e.Profile, e.Serial, e.Before, why)
}

// UnlimitedError is returned where credentials were to be limited whose kind takes no
// session policy.
type UnlimitedError struct {
	Profile string // empty for the environment
	Kind    Kind   // of the last step
	Agent   bool   // they were for a coding agent
}

func (e *UnlimitedError) Error() string {
	whose := fmt.Sprintf("the credentials of profile %q", e.Profile)
	if e.Profile == "" {
		whose = "the credentials in the environment"
	}
	why := "what was asked for has one"
	if e.Agent {
		why = "a coding agent gets none without one"
	}
	return fmt.Sprintf("%s are those of a step of kind %q, which takes no session policy, and %s", whose, e.Kind, why)
}

// OwnPolicyError is returned where a profile has a session policy of its own, to which
// another cannot be added.
type OwnPolicyError struct {
	Profile string
	Hop     bool // its role is there to assume the next one
	Agent   bool // the other is for a coding agent
	Err     error
}

func (e *OwnPolicyError) Error() string {
	return fmt.Sprintf("profile %s has a session policy of its own: %v", e.Profile, e.Err)
}

// Unwrap returns why the two do not go together.
func (e *OwnPolicyError) Unwrap() error { return e.Err }

// DurationError is returned for a duration that AWS would refuse.
type DurationError struct{ Found, Least, Most time.Duration }

func (e *DurationError) Error() string {
	return fmt.Sprintf("duration is %s, want %s to %s", short(e.Found), short(e.Least), short(e.Most))
}

// ConflictError is returned where two roles of a chain cannot stand together.
type ConflictError struct {
	Origin  profile.Origin
	Profile string // the earlier role
	Found   string
	Reason  string
}

func (e *ConflictError) Error() string {
	return fmt.Sprintf("%s: %s cannot be set, since profile %s %s", e.Origin, e.Found, e.Profile, e.Reason)
}

// MissingSettingError is returned for a profile that has one half of a source.
type MissingSettingError struct {
	Origin     profile.Origin
	Has, Wants string
}

func (e *MissingSettingError) Error() string {
	return fmt.Sprintf("%s: %s stands alone, want %s beside it", e.Origin, e.Has, e.Wants)
}

// NoPortalError is returned for a profile or a session that names no portal of IAM
// Identity Center to sign in to.
type NoPortalError struct{ Profile string }

func (e *NoPortalError) Error() string {
	return fmt.Sprintf("profile %q names no portal, want sso_session or sso_start_url", e.Profile)
}

// LongLivedError is returned where a long-lived key would be handed to whoever asks a
// server.
type LongLivedError struct {
	Profile string
	Kind    Kind // of the step that gives it
}

func (e *LongLivedError) Error() string {
	return fmt.Sprintf("the plan of profile %q ends with a long-lived key (%s), and a server hands out temporary credentials only", e.Profile, e.Kind)
}

// RoleARNError is returned for a role to assume that is none.
type RoleARNError struct{ Found string }

func (e *RoleARNError) Error() string {
	return fmt.Sprintf("role is %.200q, want the ARN of a role, such as arn:aws:iam::123456789012:role/Admin", e.Found)
}

// SettingError wraps what is wrong with a setting, with its place.
type SettingError struct {
	Origin profile.Origin
	Err    error
}

func (e *SettingError) Error() string { return fmt.Sprintf("%s: %v", e.Origin, e.Err) }

// Unwrap returns what is wrong.
func (e *SettingError) Unwrap() error { return e.Err }
