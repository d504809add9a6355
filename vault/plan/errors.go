package plan

import (
	"fmt"
	"strings"
	"time"

	"aws-vault/vault/printable"
	"aws-vault/vault/profile"
)

// NoProfileError reports a profile name that is in no config file and that has no stored key.
type NoProfileError struct {
	Name   string
	Near   []string             // similar names, best match first
	Unread *profile.SyntaxError // a section whose header names the profile in a wrong way, or nil
}

func (e *NoProfileError) Error() string {
	return fmt.Sprintf("there is no profile %s, and no key is stored under that name%s", printable.Quote(e.Name), unreadText(e.Unread))
}

func unreadText(unread *profile.SyntaxError) string {
	if unread == nil {
		return ""
	}
	return "; " + unread.Error()
}

// RegionError reports that a call would go to a region in another partition than the one that an ARN in the
// settings belongs to. AWS refuses such a call, because credentials are valid in one partition only.
type RegionError struct {
	Profile   string // the profile whose region is used
	Region    string
	Origin    profile.Origin // the place where the region is set
	Partition string         // the partition of ARN
	ARN       string         // an ARN of the chain, such as that of a role or an MFA device
}

func (e *RegionError) Error() string {
	because := e.ARN
	if strings.HasSuffix(because, portalARN) {
		because = "sso_region"
	}
	return fmt.Sprintf("%s: the region of profile %s is %s, but %s is in the partition %s, expected a region of that partition", e.Origin, e.Profile, e.Region, because, e.Partition)
}

// NoCredentialsError reports a profile whose source_profile chain ends in a profile without a
// stored key and without any other source of credentials.
type NoCredentialsError struct {
	Profile string               // the requested profile
	End     string               // the last profile of the chain
	Defined bool                 // whether End has a section in a config file
	Origin  profile.Origin       // the place of the source_profile setting that names End, if any
	Unread  *profile.SyntaxError // a section whose header names End in a wrong way, or nil
}

func (e *NoCredentialsError) Error() string {
	switch {
	case e.Profile == e.End:
		return fmt.Sprintf("profile %s has no stored key and names no source of credentials", printable.Quote(e.Profile))
	case !e.Defined:
		return fmt.Sprintf("%s: source_profile is %s, expected the name of a profile or of a stored key%s", e.Origin, printable.Quote(e.End), unreadText(e.Unread))
	}
	return fmt.Sprintf("%s: source_profile is %s, but that profile has no stored key and names no source of credentials", e.Origin, printable.Quote(e.End))
}

// ChainedMFAError reports a role that requires an MFA code but would be assumed with the credentials
// of another role or with a session token. AWS accepts a code only in a call that is signed with the
// user's own access key.
type ChainedMFAError struct {
	Profile        string // the profile whose role requires the code
	Serial         string
	Origin         profile.Origin // where mfa_serial is set
	CallingProfile string         // the profile whose credentials would sign the call
	NoSession      bool           // whether session tokens are turned off
}

func (e *ChainedMFAError) Error() string {
	why := "which are not a user's own access key"
	if e.NoSession {
		why = "without a session token, because session tokens are turned off"
	}
	return fmt.Sprintf("%s: profile %s requires an MFA code of %s, but its role would be assumed with the credentials of profile %s, %s",
		e.Origin, e.Profile, e.Serial, e.CallingProfile, why)
}

// PolicyUnsupportedError reports that a session policy must limit the credentials, but the step that creates the
// credentials accepts no session policy.
type PolicyUnsupportedError struct {
	Profile string // name of the profile; empty for credentials from the environment
	Kind    Kind   // the kind of the last step
	Agent   bool   // whether the policy is for a coding agent
}

func (e *PolicyUnsupportedError) Error() string {
	whose := fmt.Sprintf("the credentials of profile %s", printable.Quote(e.Profile))
	if e.Profile == "" {
		whose = "the credentials in the environment"
	}
	why := "but --policy was given"
	if e.Agent {
		why = "but coding agents receive only credentials with a session policy"
	}
	return fmt.Sprintf("%s come from the step %q, which does not accept a session policy, %s", whose, e.Kind, why)
}

// PolicyConflictError reports a profile whose own session policy cannot be combined with another
// session policy.
type PolicyConflictError struct {
	Profile      string
	Intermediate bool // whether the profile's role is only used to assume the next role
	Agent        bool // whether the other policy is for a coding agent
	Err          error
}

func (e *PolicyConflictError) Error() string {
	return fmt.Sprintf("profile %s already has a session policy: %v", e.Profile, e.Err)
}

// Unwrap returns the reason why the policies cannot be combined.
func (e *PolicyConflictError) Unwrap() error { return e.Err }

// DurationError reports a duration that AWS would refuse.
type DurationError struct{ Found, Least, Most time.Duration }

func (e *DurationError) Error() string {
	return fmt.Sprintf("duration is %s, expected %s to %s", formatDuration(e.Found), formatDuration(e.Least), formatDuration(e.Most))
}

// ConflictError reports a setting of a role that conflicts with an earlier role of the chain, or with the tags of
// a coding agent's session.
type ConflictError struct {
	Origin  profile.Origin
	Profile string // the profile of the earlier role; for a coding agent, the profile that sets Found
	Found   string
	Reason  string
}

func (e *ConflictError) Error() string {
	return fmt.Sprintf("%s: %s cannot be set, because profile %s %s", e.Origin, e.Found, e.Profile, e.Reason)
}

// MissingSettingError reports that a profile sets Found without Missing, but Found requires Missing.
type MissingSettingError struct {
	Profile        string // empty if Found is set in a section that several profiles can name
	Origin         profile.Origin
	Found, Missing string
}

func (e *MissingSettingError) Error() string {
	if e.Profile == "" {
		return fmt.Sprintf("%s: %s is set without %s, expected both", e.Origin, e.Found, e.Missing)
	}
	return fmt.Sprintf("%s: profile %s sets %s without %s, expected both", e.Origin, e.Profile, e.Found, e.Missing)
}

// missingSetting returns the error for a profile that sets a setting without another one that it requires. The
// parameter found is the setting that is set, and missing is the other one. If the first one is set in a shared
// section, the error is the same for all profiles that name the section.
func missingSetting(q *profile.Profile, found, missing string) *MissingSettingError {
	e := &MissingSettingError{Profile: q.Name, Origin: q.Value(found).Origin, Found: found, Missing: missing}
	if e.Origin.InSharedSection() {
		e.Profile = ""
	}
	return e
}

// NoPortalError reports a profile or session that names no Identity Center portal.
type NoPortalError struct{ Profile string }

func (e *NoPortalError) Error() string {
	return fmt.Sprintf("profile %s names no Identity Center portal, expected sso_session or sso_start_url", printable.Quote(e.Profile))
}

// RoleARNError reports that the ARN of a role to assume is not valid.
type RoleARNError struct{ Found string }

func (e *RoleARNError) Error() string {
	return fmt.Sprintf("role is %.200q, expected the ARN of a role, such as arn:aws:iam::123456789012:role/Admin", e.Found)
}

// SettingError adds the origin of a setting to an error.
type SettingError struct {
	Origin profile.Origin
	Err    error
}

func (e *SettingError) Error() string { return fmt.Sprintf("%s: %v", e.Origin, e.Err) }

// Unwrap returns the error without the origin.
func (e *SettingError) Unwrap() error { return e.Err }
