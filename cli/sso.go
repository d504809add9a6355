package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/vault/awsapi"
	"aws-vault/vault/plan"
	"aws-vault/vault/profile"
	"aws-vault/vault/store"
)

func ssoCommand(k *kingpin.Application, a *app) {
	c := k.Command("sso", "Sign in to IAM Identity Center, and see what it lets you take.")
	ssoLoginCommand(c, a)
	ssoLogoutCommand(c, a)
	ssoListCommand(c, a)
	ssoSyncCommand(c, a)
}

const ssoNameHelp = "The sso-session, or a profile that uses one; AWS_PROFILE, or the only session there is, if there is none."

func ssoLoginCommand(k *kingpin.CmdClause, a *app) {
	var name string
	var f signInFlags
	c := k.Command("login", "Sign in, unless you are.")
	c.Arg("name", ssoNameHelp).StringVar(&name)
	f.bind(c)
	f.bindShare(c)
	a.action(c, verb{agents: true, run: func(ctx context.Context) error {
		return a.withPortal(ctx, "sso login", name, f, func(s *session, p portal) error {
			t, err := s.Source.SSO(p.endpoint, p.sso).SignIn(ctx)
			if err != nil {
				return err
			}
			if f.share {
				if err := a.shareToken(s, p.sso, t); err != nil {
					return err
				}
			}
			a.print("Signed in to %s (%s) until %s.\n", p.sso.Label(), p.sso.StartURL, t.ExpiresAt.Local().Format(time.DateTime))
			return nil
		})
	}})
}

func ssoLogoutCommand(k *kingpin.CmdClause, a *app) {
	var name string
	c := k.Command("logout", "Sign out, there and here, and forget the sessions of that sign-in.")
	c.Arg("name", "The sso-session, or a profile that uses one; all if there is none.").StringVar(&name)
	a.action(c, verb{agents: true, run: func(ctx context.Context) error {
		s, err := a.open(ctx, strings.TrimSpace("sso logout "+name), nil, "")
		if err != nil {
			return err
		}
		portals := s.portals()
		if name != "" {
			p, err := s.portal(name)
			if err != nil {
				return err
			}
			portals = []portal{p}
		}
		n := 0
		for _, p := range portals {
			out, err := a.signOut(ctx, s, p)
			if err != nil {
				return err
			}
			if out {
				n++
				a.print("Signed out of %s (%s).\n", p.sso.Label(), p.sso.StartURL)
			}
		}
		if n == 0 {
			a.print("Nobody was signed in.\n")
		}
		return nil
	}})
}

// signOut ends one sign-in with all that was made with it. What the portal has against it
// is a warning: here it ends in any case.
func (a *app) signOut(ctx context.Context, s *session, p portal) (bool, error) {
	held, err := s.Source.SSO(p.endpoint, p.sso).Logout(ctx)
	var refused *awsapi.APIError
	var silent *awsapi.UnreachableError
	var late *awsapi.TimeoutError
	if errors.As(err, &refused) || errors.As(err, &silent) || errors.As(err, &late) {
		a.warn(fmt.Errorf("the sign-in has ended here, but perhaps not at the portal: %w", err))
		err = nil
	}
	if err != nil {
		return held, err
	}
	if err := s.Source.Cache.Remove(p.sso.CacheName()); err != nil {
		a.warn(err)
	}
	_, err = s.clearSessions(ctx, func(e store.Entry) bool { return slices.Contains(p.profiles, e.Root) })
	return held, err
}

func ssoListCommand(k *kingpin.CmdClause, a *app) {
	var name string
	var asJSON bool
	var f signInFlags
	c := k.Command("list", "List the accounts and the roles that you may take, after signing in.").Alias("ls")
	c.Arg("name", ssoNameHelp).StringVar(&name)
	c.Flag("json", "Print them as JSON.").BoolVar(&asJSON)
	f.bind(c)
	a.action(c, verb{agents: true, run: func(ctx context.Context) error {
		return a.withPortal(ctx, "sso list", name, f, func(s *session, p portal) error {
			accounts, err := s.accounts(ctx, p)
			if err != nil {
				return err
			}
			if asJSON {
				enc := json.NewEncoder(a.env.Stdout)
				enc.SetIndent("", "  ")
				return enc.Encode(accounts)
			}
			return a.accountTable(accounts, s.takers(p))
		})
	}})
}

// accounts are those of a portal, by name.
func (s *session) accounts(ctx context.Context, p portal) ([]awsapi.Account, error) {
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

func (a *app) accountTable(accounts []awsapi.Account, takers map[string][]string) error {
	w := tabwriter.NewWriter(a.env.Stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintf(w, "Account\tName\tRole\tProfile\n=======\t====\t====\t=======\n")
	for _, account := range accounts {
		for _, role := range account.Roles {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", shown(account.ID), shown(account.Name), shown(role), dash(strings.Join(takers[account.ID+"/"+role], ", ")))
		}
	}
	return w.Flush()
}

// takers are the profiles that take the roles of a portal, by account and role.
func (s *session) takers(p portal) map[string][]string {
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
func (a *app) withPortal(ctx context.Context, verb, name string, f signInFlags, do func(*session, portal) error) error {
	if name == "" {
		name, _ = a.env.Getenv("AWS_PROFILE")
	}
	s, err := a.open(ctx, strings.TrimSpace(verb+" "+name), nil, "")
	if err != nil {
		return err
	}
	s.Source.Person = a.person(f)
	p, err := s.portal(name)
	if err != nil {
		return err
	}
	return do(s, p)
}

// portal returns the portal of a session, or of a profile or those it takes its source
// from. Without a name it is the only one there is.
func (s *session) portal(name string) (portal, error) {
	all := s.portals()
	if name == "" {
		if len(all) == 1 {
			return all[0], nil
		}
		var labels []string
		for _, p := range all {
			labels = append(labels, p.sso.Label())
		}
		if len(all) == 0 {
			return portal{}, &usageError{"no session was named, and the config file has none"}
		}
		return portal{}, &usageError{"no session was named; there are " + strings.Join(labels, ", ")}
	}
	p, err := s.settingsOf(name)
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
func (s *session) settingsOf(name string) (*profile.Profile, error) {
	if slices.Contains(s.Config.SSOSessions(), name) {
		return s.sessionSettings(name)
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
func (s *session) sessionSettings(name string) (*profile.Profile, error) {
	in := s.Inputs
	in.Flags = map[string]profile.Flag{"sso_session": {Name: "SESSION", Text: name}}
	return s.Config.Resolve("", in)
}

// portals are those that the config file names, each once, in the order of its sessions
// and profiles. A profile that cannot be resolved is told to who uses it.
func (s *session) portals() []portal {
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
		p, err := s.sessionSettings(name)
		add(p, err, "")
	}
	for _, name := range s.Config.Profiles() {
		p, err := s.Config.Resolve(name, s.Inputs)
		add(p, err, name)
	}
	return all
}
