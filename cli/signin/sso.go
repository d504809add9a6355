package signin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/cli/app"
	"aws-vault/cli/ui"
	"aws-vault/vault/awsapi"
	"aws-vault/vault/plan"
	"aws-vault/vault/profile"
	"aws-vault/vault/store"
)

func SSOCommand(k *kingpin.Application, a *app.App) []app.Verb {
	c := k.Command("sso", "Sign in to IAM Identity Center, and see what it lets you take.")
	return []app.Verb{
		ssoLoginCommand(c, a),
		ssoLogoutCommand(c, a),
		ssoListCommand(c, a),
		ssoSyncCommand(c, a),
	}
}

const ssoNameHelp = "The sso-session, or a profile that uses one; AWS_PROFILE, or the only session there is, if there is none."

func ssoLoginCommand(k *kingpin.CmdClause, a *app.App) app.Verb {
	var name string
	var f app.SignInFlags
	c := k.Command("login", "Sign in, unless you are.")
	c.Arg("name", ssoNameHelp).StringVar(&name)
	f.Bind(c)
	f.BindShare(c)
	return app.Verb{Command: c, Agents: true, Run: func(ctx context.Context) error {
		return withPortal(ctx, a, "sso login", name, f, func(s *app.Session, p portal) error {
			t, err := s.Source.SSO(p.endpoint, p.sso).SignIn(ctx)
			if err != nil {
				return err
			}
			if f.Share {
				if err := a.ShareToken(s, p.sso, t); err != nil {
					return err
				}
			}
			a.Print("Signed in to %s (%s) until %s.\n", p.sso.Label(), p.sso.StartURL, t.ExpiresAt.Local().Format(time.DateTime))
			return nil
		})
	}}
}

func ssoLogoutCommand(k *kingpin.CmdClause, a *app.App) app.Verb {
	var name string
	c := k.Command("logout", "Sign out, there and here, and forget the sessions of that sign-in.")
	c.Arg("name", "The sso-session, or a profile that uses one; all if there is none.").StringVar(&name)
	return app.Verb{Command: c, Agents: true, Run: func(ctx context.Context) error {
		s, err := a.Open(ctx, strings.TrimSpace("sso logout "+name))
		if err != nil {
			return err
		}
		portals := findPortals(s)
		if name != "" {
			p, err := findPortal(s, name)
			if err != nil {
				return err
			}
			portals = []portal{p}
		}
		n := 0
		for _, p := range portals {
			out, err := signOut(ctx, a, s, p)
			if err != nil {
				return err
			}
			if out {
				n++
				a.Print("Signed out of %s (%s).\n", p.sso.Label(), p.sso.StartURL)
			}
		}
		if n == 0 {
			a.Print("Nobody was signed in.\n")
		}
		return nil
	}}
}

// signOut ends one sign-in with all that was made with it. What the portal has against it
// is a warning: here it ends in any case.
func signOut(ctx context.Context, a *app.App, s *app.Session, p portal) (bool, error) {
	held, err := s.Source.SSO(p.endpoint, p.sso).Logout(ctx)
	var refused *awsapi.APIError
	var silent *awsapi.UnreachableError
	var late *awsapi.TimeoutError
	if errors.As(err, &refused) || errors.As(err, &silent) || errors.As(err, &late) {
		a.Warn(fmt.Errorf("the sign-in has ended here, but perhaps not at the portal: %w", err))
		err = nil
	}
	if err != nil {
		return held, err
	}
	if err := s.Source.Cache.Remove(p.sso.CacheName()); err != nil {
		a.Warn(err)
	}
	_, err = s.ClearSessions(ctx, func(e store.Entry) bool { return slices.Contains(p.profiles, e.Root) })
	return held, err
}

func ssoListCommand(k *kingpin.CmdClause, a *app.App) app.Verb {
	var name string
	var asJSON bool
	var f app.SignInFlags
	c := k.Command("list", "List the accounts and the roles that you may take, after signing in.").Alias("ls")
	c.Arg("name", ssoNameHelp).StringVar(&name)
	c.Flag("json", "Print them as JSON.").BoolVar(&asJSON)
	f.Bind(c)
	return app.Verb{Command: c, Agents: true, Run: func(ctx context.Context) error {
		return withPortal(ctx, a, "sso list", name, f, func(s *app.Session, p portal) error {
			accounts, err := findAccounts(ctx, s, p)
			if err != nil {
				return err
			}
			if asJSON {
				return ui.PrintEscapedJSON(a.Env.Stdout, accounts)
			}
			return accountTable(a, accounts, takers(s, p))
		})
	}}
}

// findAccounts are those of a portal, by name.
func findAccounts(ctx context.Context, s *app.Session, p portal) ([]awsapi.Account, error) {
	var accounts []awsapi.Account
	err := s.Source.SSO(p.endpoint, p.sso).Portal(ctx, func(portal *awsapi.Portal) (err error) {
		accounts, err = portal.Accounts(ctx)
		return err
	})
	slices.SortFunc(accounts, func(a, b awsapi.Account) int {
		return strings.Compare(a.Name+"\x00"+a.ID, b.Name+"\x00"+b.ID)
	})
	return accounts, err
}

func accountTable(a *app.App, accounts []awsapi.Account, takers map[string][]string) error {
	w := tabwriter.NewWriter(a.Env.Stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintf(w, "Account\tName\tRole\tProfile\n=======\t====\t====\t=======\n")
	for _, account := range accounts {
		for _, role := range account.Roles {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", ui.Shown(account.ID), ui.Shown(account.Name), ui.Shown(role), ui.Dash(strings.Join(takers[account.ID+"/"+role], ", ")))
		}
	}
	return w.Flush()
}

// takers are the profiles that take the roles of a portal, by account and role.
func takers(s *app.Session, p portal) map[string][]string {
	of := map[string][]string{}
	for _, name := range p.profiles {
		if q, err := s.Config.Resolve(name, s.Inputs); err == nil {
			key := q.Text("sso_account_id") + "/" + q.Text("sso_role_name")
			of[key] = append(of[key], name)
		}
	}
	return of
}

// A portal is what one signs in to, and the profiles that begin there.
type portal struct {
	sso      plan.SSO
	endpoint plan.Endpoint
	profiles []string
}

// withPortal does something with the portal of that name.
func withPortal(ctx context.Context, a *app.App, verb, name string, f app.SignInFlags, do func(*app.Session, portal) error) error {
	if name == "" {
		name, _ = a.Env.Getenv("AWS_PROFILE")
	}
	s, err := a.Open(ctx, strings.TrimSpace(verb+" "+name))
	if err != nil {
		return err
	}
	s.Source.Person = a.Env.Person(f)
	p, err := findPortal(s, name)
	if err != nil {
		return err
	}
	return do(s, p)
}

// findPortal returns the portal of a session, or of a profile or those it takes its source
// from. Without a name it is the only one there is.
func findPortal(s *app.Session, name string) (portal, error) {
	all := findPortals(s)
	if name == "" {
		if len(all) == 1 {
			return all[0], nil
		}
		var labels []string
		for _, p := range all {
			labels = append(labels, p.sso.Label())
		}
		if len(all) == 0 {
			return portal{}, &app.UsageError{Text: "no session was named, and the config file has none"}
		}
		return portal{}, &app.UsageError{Text: "no session was named; there are " + strings.Join(labels, ", ")}
	}
	p, err := settingsOf(s, name)
	if err != nil {
		return portal{}, err
	}
	sso, endpoint, err := plan.Portal(p)
	if err != nil {
		return portal{}, err
	}
	for _, known := range all {
		if known.sso.Token() == sso.Token() {
			return known, nil
		}
	}
	return portal{sso: sso, endpoint: endpoint}, nil
}

// settingsOf resolves a session, or the profile in a chain that names a portal.
func settingsOf(s *app.Session, name string) (*profile.Profile, error) {
	if slices.Contains(s.Config.SSOSessions(), name) {
		return sessionSettings(s, name)
	}
	p, err := s.Config.Resolve(name, s.Inputs)
	if err != nil {
		return nil, err
	}
	if !p.Defined {
		return nil, &plan.NoProfileError{Name: name, Near: profile.Nearest(name, append(s.Config.SSOSessions(), s.Config.Profiles()...))}
	}
	for q := p; q != nil; q = q.Source {
		if q.Set("sso_start_url") {
			return q, nil
		}
	}
	return p, nil
}

// sessionSettings are those of an sso-session that no profile needs to name.
func sessionSettings(s *app.Session, name string) (*profile.Profile, error) {
	in := s.Inputs
	in.Flags = map[string]profile.Flag{"sso_session": {Name: "SESSION", Text: name}}
	return s.Config.Resolve("", in)
}

// findPortals are those that the config file names, each once, in the order of its sessions
// and profiles. A profile that cannot be resolved is told to who uses it.
func findPortals(s *app.Session) []portal {
	var all []portal
	add := func(p *profile.Profile, err error, name string) {
		if err != nil {
			return
		}
		sso, endpoint, err := plan.Portal(p)
		if err != nil {
			return
		}
		i := slices.IndexFunc(all, func(known portal) bool { return known.sso.Token() == sso.Token() })
		if i < 0 {
			i = len(all)
			all = append(all, portal{sso: sso, endpoint: endpoint})
		}
		if name != "" {
			all[i].profiles = append(all[i].profiles, name)
		}
	}
	for _, name := range s.Config.SSOSessions() {
		p, err := sessionSettings(s, name)
		add(p, err, "")
	}
	for _, name := range s.Config.Profiles() {
		p, err := s.Config.Resolve(name, s.Inputs)
		add(p, err, name)
	}
	return all
}
