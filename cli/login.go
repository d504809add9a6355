package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/vault"
	"aws-vault/vault/browser"
	"aws-vault/vault/plan"
	"aws-vault/vault/policy"
	"aws-vault/vault/source"
)

type loginFlags struct {
	credentialFlags
	path, name, browser string
	stdout, logout      bool
}

func loginCommand(k *kingpin.Application, a *app) {
	var f loginFlags
	c := k.Command("login", "Open the AWS console in a browser, signed in with credentials of a profile.")
	c.Arg("profile", "The profile; AWS_PROFILE, or the credentials in the environment, if there is none.").Envar("AWS_PROFILE").StringVar(&f.profile)
	c.Flag("duration", "How long the console should stay open, such as 8h.").Short('d').Envar("AWS_VAULT_DURATION").PlaceHolder("TIME").
		SetValue(durationFlag{&f.duration, "--duration or AWS_VAULT_DURATION"})
	c.Flag("no-session", "Take no session token with a stored key.").Short('n').BoolVar(&f.noSession)
	c.Flag("mfa-token", "The MFA code, so that none is asked for.").Short('t').PlaceHolder("CODE").StringVar(&f.code)
	c.Flag("path", "The page of the console to open, such as s3/home.").PlaceHolder("PATH").StringVar(&f.path)
	c.Flag("region", "The AWS region.").PlaceHolder("REGION").StringVar(&f.region)
	f.limits.bind(c)
	c.Flag("stdout", "Print the address instead of opening it. Whoever has it is signed in.").Short('s').Envar("AWS_VAULT_STDOUT").BoolVar(&f.stdout)
	c.Flag("auto-logout", "Sign out of the console first.").Short('a').Envar("AWS_VAULT_AUTO_LOGOUT").BoolVar(&f.logout)
	f.signIn.bindFlow(c)
	c.Flag("browser", "The browser: "+strings.Join(browser.Names(), ", ")+"; with :NAME behind it, that profile or Firefox container.").
		PlaceHolder("NAME").StringVar(&f.browser)
	c.Flag("name", "What a user's key signs in as; the user's name if there is none.").PlaceHolder("NAME").StringVar(&f.name)
	a.action(c, verb{agents: true, run: func(ctx context.Context) error { return a.login(ctx, f) }})
}

func (a *app) login(ctx context.Context, f loginFlags) error {
	if err := checkFederatedName(f.name); err != nil {
		return err
	}
	name := f.profile
	if name == "" && !a.hasEnvironmentKey() {
		var err error
		if name, err = a.pickProfile(ctx, &f.credentialFlags); err != nil {
			return err
		}
	}
	s, err := a.open(ctx, strings.TrimSpace("login "+name), f.inputs(), f.code)
	if err != nil {
		return err
	}
	f.signIn.stdout = f.stdout
	s.Source.Person = a.person(f.signIn)
	choice, err := s.browser(name, f.browser)
	if err != nil {
		return err
	}
	url, err := a.signInURL(ctx, s, name, f)
	if err != nil {
		return err
	}
	if f.stdout {
		a.print("%s\n", url)
		return nil
	}
	return a.lead(ctx, url, choice)
}

// signInURL says who signs in, and returns the address that does it.
func (a *app) signInURL(ctx context.Context, s *session, name string, f loginFlags) (string, error) {
	o := f.options(a)
	o.For, o.As = plan.Console, f.name
	pl, err := s.planConsole(ctx, name, o)
	if err != nil {
		return "", err
	}
	for _, n := range pl.Notes {
		a.note("%s", n)
	}
	who, err := s.Visitor(ctx, pl, o)
	if err != nil {
		return "", err
	}
	if name != "" {
		a.noteUse(name, f.profile == "")
	}
	fmt.Fprintf(a.env.Stderr, "Signing in to account %s as %s\n", who.Account, described(who.ARN))
	if who.Federated() {
		rights := "and has all rights of the user whose key it is"
		if len(pl.Last().Policy.ARNs) > 0 || pl.Last().Policy.Inline != policy.Full {
			rights = "and has those rights of the user whose key it is that its session policy allows"
		}
		a.note("a federated user has shown no MFA code, %s: a role is the better way", rights)
	}
	return s.SignInURL(ctx, pl, who, vault.Destination{Path: f.path, Region: pl.Region, Logout: f.logout})
}

// checkFederatedName refuses what AWS would.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html
func checkFederatedName(name string) error {
	odd := strings.ContainsFunc(name, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_+=,.@-", r))
	})
	if name != "" && (odd || len(name) < source.LeastFederatedName || len(name) > source.MostFederatedName) {
		return &usageError{fmt.Sprintf("--name is %.80q, want %d to %d letters, digits or any of =,.@_+-", name, source.LeastFederatedName, source.MostFederatedName)}
	}
	return nil
}

func (a *app) hasEnvironmentKey() bool {
	id, _ := a.env.Getenv("AWS_ACCESS_KEY_ID")
	secret, _ := a.env.Getenv("AWS_SECRET_ACCESS_KEY")
	return id != "" && secret != ""
}

func (s *session) planConsole(ctx context.Context, name string, o plan.Options) (plan.Plan, error) {
	if name == "" {
		return s.PlanEnvironment(o)
	}
	return s.Plan(ctx, name, o)
}

// browser is the one that a flag or else the profile names.
func (s *session) browser(name, flag string) (browser.Choice, error) {
	if flag != "" || name == "" {
		return browser.Parse(flag, "")
	}
	p, err := s.Config.Resolve(name, s.Inputs)
	if err != nil {
		return browser.Choice{}, err
	}
	c, err := browser.Parse(p.Text("console_browser"), p.Text("console_container"))
	if err != nil {
		err = &plan.SettingError{Origin: p.Value("console_browser").Origin, Err: err}
	}
	return c, err
}

// described says who an ARN is, in words where it can be.
func described(arn string) string {
	for _, kind := range []struct{ mark, words string }{{":assumed-role/", "role "}, {":federated-user/", "federated user "}} {
		if _, who, ok := strings.Cut(arn, kind.mark); ok {
			if role, session, ok := strings.Cut(who, "/"); ok {
				return fmt.Sprintf("%s%s (session %s)", kind.words, role, session)
			}
			return kind.words + who
		}
	}
	return arn
}

// browserTime is how long a browser may take to open a page.
const browserTime = time.Minute

// lead opens a page that leads a browser to the address. The address itself, which signs in
// whoever has it, is no program's argument.
func (a *app) lead(ctx context.Context, url string, choice browser.Choice) error {
	page, err := browser.Lead(url, choice, a.env.Peers)
	if err != nil {
		return err
	}
	defer page.Close()
	if err := a.openPage(page.URL(), choice); err != nil {
		return &browserError{err}
	}
	if err := page.Wait(ctx, browserTime); err != nil {
		return &browserError{err}
	}
	return nil
}

func (a *app) openPage(address string, choice browser.Choice) error {
	switch {
	case choice != (browser.Choice{}):
	case !a.browserReachable():
		return errNoBrowser
	default:
		return a.env.Browse(address)
	}
	argv, err := choice.Command(address, a.env.LookPath)
	if err != nil {
		return err
	}
	return a.env.Start(argv)
}

// errNoBrowser is for a machine whose browser would not come before the one who waits.
var errNoBrowser = errors.New("none can be reached from here, without a display or over SSH")

// A browserError is a page that could not be opened.
type browserError struct{ err error }

func (e *browserError) Error() string { return "opening a browser: " + e.err.Error() }

func (e *browserError) Unwrap() error { return e.err }

func (*browserError) Remedy() string {
	return "print the address and open it yourself: aws-vault login --stdout"
}
