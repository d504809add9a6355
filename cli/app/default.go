package app

import "aws-vault/vault/profile"

// NoteDefaultProfile prints a note if the [default] profile has credentials. exec removes AWS_PROFILE from the
// environment of the command that it runs. SDKs in that command then read the [default] profile, and prefer its
// credentials to those of the credential server.
func NoteDefaultProfile(a *App, s *Session) {
	emptyEnv := func(string) (string, bool) { return "", false }
	p, err := s.Config.Resolve("default", profile.Inputs{Credentials: s.Inputs.Credentials, Env: emptyEnv})
	if err != nil {
		return // an error in [default] does not concern the requested profile
	}
	for _, setting := range []string{
		"aws_access_key_id", "role_arn", "credential_process", "web_identity_token_file", "sso_session", "sso_start_url", "login_session",
	} {
		if p.Set(setting) {
			a.Note("%s sets credentials for the [default] profile; SDKs use those instead of the server", p.Value(setting).Origin)
			return
		}
	}
}
