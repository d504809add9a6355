package signin

import (
	"context"
	"fmt"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/cli/app"
	"aws-vault/prompt"
	"aws-vault/vault/plan"
	"aws-vault/vault/profile"
)

func AWSLoginCommand(k *kingpin.Application, a *app.App) []app.Verb {
	var name string
	var remote, move bool
	var f app.SignInFlags
	c := k.Command("aws-login", "Sign in for a profile, as you sign in to the AWS console. This replaces the command aws login of the AWS CLI.").HelpLong(app.Examples(
		"Sign in with a browser on this machine.", "aws-vault aws-login work",
		"Sign in with a browser on another machine.", "aws-vault aws-login --remote work"))
	c.Arg("profile", "Profile to use. It is created if it does not exist.").Required().StringVar(&name)
	c.Flag("remote", "Sign in with a browser on another machine, and type the code that it shows.").BoolVar(&remote)
	c.Flag("import", "Move the plain-text sign-in of the AWS CLI to the keystore instead of signing in again.").BoolVar(&move)
	f.BindStdout(c)
	return []app.Verb{{Command: c, Effect: "signs a person in", Run: func(ctx context.Context) error {
		s, err := a.Open(ctx, "aws-login "+name)
		if err != nil {
			return err
		}
		s.Source.User = a.Env.Person(f)
		s.Source.User.AskCode = func(ctx context.Context) (string, error) {
			return a.Ask(ctx, s.Locks, prompt.Request{Kind: prompt.Line, Profile: name, Text: "The code that the page shows"})
		}
		p, err := loginProfile(ctx, s, name)
		if err != nil {
			return err
		}
		if move {
			return importLogin(ctx, a, s, p)
		}
		return awsLogin(ctx, a, s, p, remote || s.Source.User.UseDevice && !f.Stdout)
	}}}
}

// A otherSourceError is a profile whose credentials begin otherwise.
type otherSourceError struct{ profile, found string }

func (e *otherSourceError) Error() string {
	return fmt.Sprintf("profile %q has %s already, want a profile without credentials of another kind", e.profile, e.found)
}

// loginProfile returns the settings of a profile that may begin with aws login, or none
// for one that is new. What comes before login_session in a plan would hide it.
func loginProfile(ctx context.Context, s *app.Session, name string) (*profile.Profile, error) {
	p, err := s.Config.Resolve(name, s.Inputs)
	if err != nil {
		return nil, err
	}
	_, stored, err := s.Keys.Fingerprint(ctx, name)
	if err != nil {
		return nil, err
	}
	if stored {
		return nil, &otherSourceError{name, "a stored key"}
	}
	for _, setting := range []string{
		"source_profile", "credential_source", "sso_start_url", "web_identity_token_file", "web_identity_token_process", "oidc_issuer",
		"aws_access_key_id", "credential_process", "role_arn",
	} {
		if p.Set(setting) {
			return nil, &otherSourceError{name, setting}
		}
	}
	return p, nil
}

// awsLogin signs in, and names who has in the profile.
func awsLogin(ctx context.Context, a *app.App, s *app.Session, p *profile.Profile, remote bool) error {
	arn, err := s.Source.AWSLogin(loginStep(p)).SignIn(ctx, p.Text("login_session"), remote)
	if err != nil {
		return err
	}
	if !p.Set("login_session") {
		err := a.Env.ConfigFile().Edit(ctx, s.Locks, func(f *profile.File) ([]byte, error) {
			return profile.WithProfile(f, p.Name, []profile.Setting{{Name: "login_session", Value: arn}})
		})
		if err != nil {
			return err
		}
	}
	a.Print("Signed in as %s for profile %q, for up to 12 hours.\n", arn, p.Name)
	return nil
}

// loginStep is the step that begins with aws login.
func loginStep(p *profile.Profile) plan.Step {
	return plan.Step{Kind: plan.KindLogin, Profile: p.Name, Region: plan.SignInRegion(p), Endpoint: plan.SignIn(p)}
}

// importLogin moves the AWS CLI's sign-in into the keystore.
func importLogin(ctx context.Context, a *app.App, s *app.Session, p *profile.Profile) error {
	arn := p.Text("login_session")
	if arn == "" {
		return &app.UsageError{Text: fmt.Sprintf("profile %q has no login_session, whose sign-in --import could take", p.Name)}
	}
	found, err := s.Source.AWSLogin(loginStep(p)).Import(ctx, arn)
	if err != nil {
		return err
	}
	if !found {
		return fmt.Errorf("the AWS CLI holds no sign-in of %s in %s", arn, a.Env.Tilde(s.Source.Logins.Path(arn)))
	}
	a.Print("The sign-in of %s is kept in the keystore, and no longer as plain text.\n", arn)
	return nil
}
