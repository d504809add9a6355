package cli

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/prompt"
	"aws-vault/vault/plan"
	"aws-vault/vault/profile"
	"aws-vault/vault/store"
)

func awsLoginCommand(k *kingpin.Application, a *app) {
	var name string
	var remote, move bool
	var f signInFlags
	c := k.Command("aws-login", "Sign in as you do at the console, in place of aws login, for a profile.")
	c.Arg("profile", "The profile; it is written if it is new.").Required().StringVar(&name)
	c.Flag("remote", "Sign in with a browser of another machine, and type the code that it shows.").BoolVar(&remote)
	c.Flag("import", "Take the sign-in that the AWS CLI holds as plain text, instead of a new one.").BoolVar(&move)
	f.bindStdout(c)
	a.action(c, verb{does: "signs a person in", run: func(ctx context.Context) error {
		s, err := a.open(ctx, "aws-login "+name, nil, "")
		if err != nil {
			return err
		}
		s.Source.Person = a.person(f)
		s.Source.Person.Paste = func(ctx context.Context) (string, error) {
			return a.ask(ctx, s.locks, prompt.Request{Kind: prompt.Line, Profile: name, Text: "The code that the page shows"})
		}
		p, err := s.loginProfile(ctx, name)
		if err != nil {
			return err
		}
		if move {
			return a.importLogin(ctx, s, p)
		}
		return a.awsLogin(ctx, s, p, remote || s.Source.Person.Device && !f.stdout)
	}})
}

// A sourceTakenError is a profile whose credentials begin otherwise.
type sourceTakenError struct{ profile, found string }

func (e *sourceTakenError) Error() string {
	return fmt.Sprintf("profile %q has %s already, want a profile without credentials of another kind", e.profile, e.found)
}

// loginProfile returns the settings of a profile that may begin with aws login, or none
// for one that is new. What comes before login_session in a plan would hide it.
func (s *session) loginProfile(ctx context.Context, name string) (*profile.Profile, error) {
	p, err := s.Config.Resolve(name, s.Inputs)
	if err != nil {
		return nil, err
	}
	_, stored, err := s.Keys.Fingerprint(ctx, name)
	if err != nil {
		return nil, err
	}
	if stored {
		return nil, &sourceTakenError{name, "a stored key"}
	}
	for _, setting := range []string{
		"source_profile", "credential_source", "sso_start_url", "web_identity_token_file", "web_identity_token_process", "oidc_issuer",
		"aws_access_key_id", "credential_process", "role_arn",
	} {
		if p.Set(setting) {
			return nil, &sourceTakenError{name, setting}
		}
	}
	return p, nil
}

// awsLogin signs in, and names who has in the profile.
func (a *app) awsLogin(ctx context.Context, s *session, p *profile.Profile, remote bool) error {
	step := plan.Step{Kind: plan.KindLogin, Profile: p.Name, Region: plan.SignInRegion(p), Endpoint: plan.SignIn(p)}
	who, err := s.Source.AWSLogin(step).New(ctx, p.Text("login_session"), remote)
	if err != nil {
		return err
	}
	if !p.Set("login_session") {
		err := a.config().Edit(ctx, s.locks, func(f *profile.File) ([]byte, error) {
			return f.WithProfile(p.Name, []profile.Setting{{Name: "login_session", Value: who}})
		})
		if err != nil {
			return err
		}
	}
	a.print("Signed in as %s for profile %q, for up to 12 hours.\n", who, p.Name)
	return nil
}

// importLogin moves the AWS CLI's sign-in into the keystore.
func (a *app) importLogin(ctx context.Context, s *session, p *profile.Profile) error {
	who := p.Text("login_session")
	if who == "" {
		return &usageError{fmt.Sprintf("profile %q has no login_session, whose sign-in --import could take", p.Name)}
	}
	found, err := s.Source.ImportLogin(ctx, who)
	if err != nil {
		return err
	}
	if !found {
		return fmt.Errorf("the AWS CLI holds no sign-in of %s in %s", who, a.tilde(s.Source.Logins.Path(who)))
	}
	a.print("The sign-in of %s is kept in the keystore, and no longer as plain text.\n", who)
	return nil
}

// loginCache is where the AWS CLI keeps what aws login gave.
func (a *app) loginCache() *store.LoginCache {
	dir, _ := a.env.Getenv("AWS_LOGIN_CACHE_DIRECTORY")
	if dir == "" {
		dir = filepath.Join("~", ".aws", "login", "cache")
	}
	return &store.LoginCache{Dir: a.path(dir)}
}
