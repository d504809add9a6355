package app

import "aws-vault/vault/profile"

// NoteDefaultProfile says where [default] beats a server: SDKs ask a server last, and a command
// of ours has no AWS_PROFILE that would lead them past [default].
func NoteDefaultProfile(a *App, s *Session) {
	emptyEnv := func(string) (string, bool) { return "", false }
	p, err := s.Config.Resolve("default", profile.Inputs{Credentials: s.Inputs.Credentials, Env: emptyEnv})
	if err != nil {
		return // it does not concern the profile that was asked for
	}
	for _, setting := range []string{
		"aws_access_key_id", "role_arn", "credential_process", "web_identity_token_file", "sso_session", "sso_start_url", "login_session",
	} {
		if p.Set(setting) {
			a.Note("%s gives [default] credentials of its own, and programs that look there take those before they ask the server", p.Value(setting).Origin)
			return
		}
	}
}
