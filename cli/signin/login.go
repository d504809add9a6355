// Package signin has the commands that sign the user in: to the console, Identity Center, an OIDC
// provider, or with aws login.
package signin

import (
	"context"
	"fmt"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/cli/app"
	"aws-vault/vault/ascii"
	"aws-vault/vault/audit"
	"aws-vault/vault/console"
	"aws-vault/vault/plan"
	"aws-vault/vault/policy"
	"aws-vault/vault/signin/browser"
	"aws-vault/vault/source"
)

type loginFlags struct {
	app.CredentialFlags
	path, name, browser string
	stdout, logout      bool
}

func LoginCommand(k *kingpin.Application, a *app.App) []app.Verb {
	var f loginFlags
	c := k.Command("login", "Open the AWS console in a browser, signed in with the credentials of a profile.").HelpLong(app.Examples(
		"Open the console for the profile prod.", "aws-vault login prod",
		"Open the S3 page in the work profile of Chrome.", "aws-vault login prod --path s3/home --browser chrome:work"))
	c.Arg("profile", "Profile to use. Default: the credentials in the environment.").Envar("AWS_PROFILE").StringVar(&f.Profile)
	c.Flag("duration", "How long the console session lasts, such as 8h.").Short('d').Envar("AWS_VAULT_DURATION").PlaceHolder("TIME").
		SetValue(app.DurationFlag{Into: &f.Duration, Name: "--duration or AWS_VAULT_DURATION"})
	c.Flag("no-session", "Use a stored access key directly, without a session token.").Short('n').BoolVar(&f.NoSession)
	c.Flag("mfa-token", "MFA code, if you do not want to be prompted for it.").Short('t').PlaceHolder("CODE").StringVar(&f.Code)
	c.Flag("path", "Page of the console to open, such as s3/home.").PlaceHolder("PATH").StringVar(&f.path)
	c.Flag("region", "AWS region.").PlaceHolder("REGION").StringVar(&f.Region)
	f.Limits.Bind(c)
	c.Flag("stdout", "Print the sign-in link instead of opening it. Anyone who opens the link is signed in.").Short('s').Envar("AWS_VAULT_STDOUT").BoolVar(&f.stdout)
	c.Flag("auto-logout", "Sign out of the console first.").Short('a').Envar("AWS_VAULT_AUTO_LOGOUT").BoolVar(&f.logout)
	f.SignIn.BindFlow(c)
	c.Flag("browser", "Browser to open: "+strings.Join(browser.Names(), ", ")+". Add :NAME to open a profile of the browser or a container of Firefox.").
		PlaceHolder("NAME").StringVar(&f.browser)
	c.Flag("name", "Name of the console session, if the profile uses the key of an IAM user. Default: the name of the user.").PlaceHolder("NAME").StringVar(&f.name)
	return []app.Verb{{Command: c, Agents: true, Run: func(ctx context.Context) error { return login(ctx, a, f) }}}
}

func login(ctx context.Context, a *app.App, f loginFlags) error {
	if err := checkFederatedName(f.name); err != nil {
		return err
	}
	f.SignIn.Stdout = f.stdout
	t, err := a.Begin(ctx, app.Request{
		Verb: "login", Flags: &f.CredentialFlags, For: plan.Console, OfferProfiles: true, AllowEnvironment: a.Env.HasEnvironmentKey(),
	})
	if err != nil {
		return err
	}
	t.Options.FederatedName = f.name
	choice, err := browserChoice(t, f.browser)
	if err != nil {
		return err
	}
	url, err := signInURL(ctx, a, t, f)
	if err != nil {
		return err
	}
	if f.stdout {
		a.Print("%s\n", url)
		return nil
	}
	return a.OpenInBrowser(ctx, url, choice)
}

// signInURL prints which AWS identity signs in, and returns the sign-in URL. Anyone who has the URL can sign in.
func signInURL(ctx context.Context, a *app.App, t *app.Task, f loginFlags) (string, error) {
	if err := t.MakePlan(ctx); err != nil {
		return "", err
	}
	auditor, err := t.Auditor("")
	if err != nil {
		return "", err
	}
	identity, err := console.NewSession(ctx, t.Vault, t.Plan, t.Options)
	if err != nil {
		return "", err
	}
	if err := t.RecordUse(ctx); err != nil {
		return "", err
	}
	fmt.Fprintf(a.Env.Stderr, "Signing in to account %s as %s\n", identity.Account, describeARN(identity.ARN))
	if identity.IsFederatedUser() {
		rights := "and has all permissions of the IAM user"
		if len(t.Plan.Last().Policy.ARNs) > 0 || t.Plan.Last().Policy.Inline != policy.AllowAll {
			rights = "and has only those permissions of the IAM user that the session policy allows"
		}
		a.Note("the console session of a federated user does not use MFA %s; use a role instead", rights)
	}
	url, err := console.SignInURL(ctx, t.Vault, t.Plan, identity, console.Destination{Path: f.path, Region: t.Plan.Region, Logout: f.logout})
	if err != nil {
		return "", err
	}
	return url, auditor.Record(func(e *audit.Entry) {
		e.Identity, e.Account = identity.ARN, identity.Account
		e.SetExpiry(identity.Expires())
		if d := t.Plan.Call("signin").Duration; d > 0 {
			e.SetExpiry(a.Env.Now().Add(d))
		}
	})
}

// checkFederatedName returns an error if AWS does not accept the name of a federated user.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html
func checkFederatedName(name string) error {
	odd := strings.ContainsFunc(name, func(r rune) bool {
		return !ascii.IsAlphanumeric(r) && !strings.ContainsRune("_+=,.@-", r)
	})
	if name != "" && (odd || len(name) < source.MinFederatedName || len(name) > source.MaxFederatedName) {
		return &app.UsageError{Text: fmt.Sprintf("--name is %.80q, expected %d to %d letters, digits or any of =,.@_+-", name, source.MinFederatedName, source.MaxFederatedName)}
	}
	return nil
}

// browserChoice returns the browser that --browser names. Without --browser, it returns the browser of the profile.
func browserChoice(t *app.Task, flag string) (browser.Choice, error) {
	if flag != "" || t.Profile == "" {
		return browser.Parse(flag, "")
	}
	p, err := t.Config.Resolve(t.Profile, t.Inputs)
	if err != nil {
		return browser.Choice{}, err
	}
	c, err := browser.Parse(p.Text("console_browser"), p.Text("console_container"))
	if err != nil {
		err = &plan.SettingError{Origin: p.Value("console_browser").Origin, Err: err}
	}
	return c, err
}

// describeARN returns a readable form of the ARN of a role or a federated user. It returns other ARNs unchanged.
func describeARN(arn string) string {
	for _, kind := range []struct{ mark, words string }{{":assumed-role/", "role "}, {":federated-user/", "federated user "}} {
		if _, name, ok := strings.Cut(arn, kind.mark); ok {
			if role, session, ok := strings.Cut(name, "/"); ok {
				return fmt.Sprintf("%s%s (session %s)", kind.words, role, session)
			}
			return kind.words + name
		}
	}
	return arn
}
