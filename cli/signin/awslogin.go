package signin

import (
	"context"
	"fmt"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/cli/app"
	"aws-vault/prompt"
	"aws-vault/vault/plan"
	"aws-vault/vault/printable"
	"aws-vault/vault/profile"
)

func AWSLoginCommand(k *kingpin.Application, a *app.App) []app.Verb {
	var name string
	var remote, move bool
	var f app.SignInFlags
	c := k.Command("aws-login", "Sign in to AWS in a browser, as for the AWS console, and use this sign-in for a profile. This replaces the command aws login of the AWS CLI.").HelpLong(app.Examples(
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
			return a.Ask(ctx, s.Locks, prompt.Request{Kind: prompt.Line, Profile: name, Text: "Code shown on the sign-in page"})
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

// An otherSourceError reports that a profile cannot use aws login, because it already has another source of
// credentials.
type otherSourceError struct{ profile, found string }

func (e *otherSourceError) Error() string {
	return fmt.Sprintf("profile %s already has %s, expected a profile without other credentials", printable.Quote(e.profile), e.found)
}

// loginProfile returns the settings of a profile for an aws login sign-in. For a new profile, the settings are empty.
// loginProfile returns an error if the profile has a stored key, another source of credentials, or a role.
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
	setting := plan.SourceBesidesLogin(p)
	if setting == "" && p.Set("role_arn") {
		setting = "role_arn"
	}
	if setting != "" {
		return nil, &otherSourceError{name, setting}
	}
	return p, nil
}

// awsLogin signs in and writes the ARN of the signed-in identity to the profile.
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
	a.Print("Signed in as %s for profile %s, for up to 12 hours.\n", arn, printable.Quote(p.Name))
	return nil
}

// loginStep returns the plan step for an aws login sign-in.
func loginStep(p *profile.Profile) plan.Step {
	return plan.Step{Kind: plan.KindLogin, Profile: p.Name, Region: plan.SignInRegion(p), Endpoint: plan.SignIn(p)}
}

// importLogin moves the sign-in of the AWS CLI to the keystore.
func importLogin(ctx context.Context, a *app.App, s *app.Session, p *profile.Profile) error {
	arn := p.Text("login_session")
	if arn == "" {
		return &app.UsageError{Text: fmt.Sprintf("profile %s has no login_session, so --import does not know which sign-in to import", printable.Quote(p.Name))}
	}
	found, err := s.Source.AWSLogin(loginStep(p)).Import(ctx, arn)
	if err != nil {
		return err
	}
	if !found {
		return fmt.Errorf("no AWS CLI sign-in of %s found in %s", arn, a.Env.Tilde(s.Source.Logins.Path(arn)))
	}
	a.Print("Moved the sign-in of %s to the keystore and deleted the plain-text copy.\n", arn)
	return nil
}
