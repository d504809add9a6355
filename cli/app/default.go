package app

import (
	"fmt"

	"aws-vault/vault/profile"
)

// A DefaultProfileError reports that a command would not use the credentials of the server that exec starts for it. The
// SDKs in the command read the [default] profile, because exec removes AWS_PROFILE from the command's environment. They
// prefer the credentials of [default] to those of a server, and so could use another account without any error.
type DefaultProfileError struct {
	Profile string         // the requested profile
	Origin  profile.Origin // the place that sets credentials for [default]; unset if Err is set
	Err     error          // why it is unknown whether [default] has credentials, or nil
}

func (e *DefaultProfileError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("the command could use the [default] profile instead of %s, and [default] cannot be checked: %v", e.Profile, e.Err)
	}
	return fmt.Sprintf("%s: sets credentials for the [default] profile, which the command would use instead of those of %s", e.Origin, e.Profile)
}

func (e *DefaultProfileError) Unwrap() error { return e.Err }

// Remedy returns the hint for the error.
func (e *DefaultProfileError) Remedy() string {
	return "move the settings of [default] to a profile with another name, or run the command without a server; to run it in spite of [default], pass --allow-default"
}

// CheckDefaultProfile returns a [*DefaultProfileError] if the [default] profile has credentials or cannot be checked.
// SDKs would use the credentials of [default] instead of those that a server provides for the requested profile. If
// the parameter allowed is true, or if the requested profile is [default] itself, CheckDefaultProfile returns no
// error, and prints a note if [default] has credentials.
func CheckDefaultProfile(a *App, s *Session, requested string, allowed bool) error {
	origin, err := credentialsOfDefault(s)
	allowed = allowed || requested == "default"
	switch {
	case err != nil && !allowed:
		return &DefaultProfileError{Profile: requested, Err: err}
	case err != nil || origin.Kind == profile.Unset:
		return nil
	case !allowed:
		return &DefaultProfileError{Profile: requested, Origin: origin}
	}
	a.Note("%s sets credentials for the [default] profile; SDKs use those instead of the server", origin)
	return nil
}

// credentialsOfDefault returns the place that sets credentials for [default], or the zero Origin if SDKs find none
// there.
func credentialsOfDefault(s *Session) (profile.Origin, error) {
	emptyEnv := func(string) (string, bool) { return "", false }
	p, err := s.Config.Resolve("default", profile.Inputs{Credentials: s.Inputs.Credentials, Env: emptyEnv})
	if err != nil {
		return profile.Origin{}, err
	}
	for _, setting := range []string{
		"aws_access_key_id", "role_arn", "credential_process", "web_identity_token_file", "sso_account_id", "login_session",
	} {
		// SDKs ignore include_profile, and so the settings of other sections.
		if v := p.Value(setting); v.Text != "" && v.Origin.InDefault() {
			return v.Origin, nil
		}
	}
	return profile.Origin{}, nil
}
