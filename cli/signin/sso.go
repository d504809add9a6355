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
)

func SSOCommand(k *kingpin.Application, a *app.App) []app.Verb {
	c := k.Command("sso", "Sign in to IAM Identity Center, and list the roles that you can assume.").HelpLong(app.Examples(
		"Sign in to the sso-session corp.", "aws-vault sso login corp",
		"Create a profile for each of your roles.", "aws-vault sso sync corp"))
	return []app.Verb{
		ssoLoginCommand(c, a),
		ssoLogoutCommand(c, a),
		ssoListCommand(c, a),
		ssoSyncCommand(c, a),
	}
}

const ssoNameHelp = "An sso-session, or a profile that uses one. Default: the profile in AWS_PROFILE, or the only session."

func ssoLoginCommand(k *kingpin.CmdClause, a *app.App) app.Verb {
	var name string
	var f app.SignInFlags
	c := k.Command("login", "Sign in to Identity Center, if you are not signed in.").HelpLong(app.Examples(
		"Sign in with a browser.", "aws-vault sso login corp",
		"Sign in with a code on another device.", "aws-vault sso login --sso-flow device corp"))
	c.Arg("name", ssoNameHelp).StringVar(&name)
	f.Bind(c)
	f.BindShare(c)
	return app.Verb{Command: c, Agents: true, Run: func(ctx context.Context) error {
		return withPortal(ctx, a, "sso login", name, f, func(s *app.Session, at target[portal]) error {
			t, err := s.Source.SSO(at.service.Endpoint, at.service.SSO).SignIn(ctx)
			if err != nil {
				return err
			}
			if f.Share {
				if err := a.ShareToken(s, at.service.SSO, t); err != nil {
					return err
				}
			}
			a.Print("Signed in to %s (%s) until %s.\n", at.service.Label(), at.service.StartURL, t.ExpiresAt.Local().Format(time.DateTime))
			return nil
		})
	}}
}

func ssoLogoutCommand(k *kingpin.CmdClause, a *app.App) app.Verb {
	var name string
	c := k.Command("logout", "Sign out, at Identity Center and on this computer, and remove the sessions of the sign-in.").HelpLong(app.Examples(
		"Sign out of the sso-session corp.", "aws-vault sso logout corp",
		"Sign out of all sso-sessions.", "aws-vault sso logout"))
	c.Arg("name", "An sso-session, or a profile that uses one. Default: all sessions.").StringVar(&name)
	return app.Verb{Command: c, Agents: true, Run: func(ctx context.Context) error {
		s, err := a.Open(ctx, strings.TrimSpace("sso logout "+name))
		if err != nil {
			return err
		}
		all, err := portals.find(s, name)
		if err != nil {
			return err
		}
		return signOutOf(a, all, func(p portal) string { return p.StartURL }, func(t target[portal]) (bool, error) { return signOut(ctx, a, s, t) })
	}}
}

// signOut ends a sign-in and removes the sessions that were created with it. The result is false if there was no
// sign-in.
func signOut(ctx context.Context, a *app.App, s *app.Session, t target[portal]) (bool, error) {
	signedIn, err := s.Source.SSO(t.service.Endpoint, t.service.SSO).Logout(ctx)
	var refused *awsapi.APIError
	var unreachable *awsapi.UnreachableError
	var timeout *awsapi.TimeoutError
	if errors.As(err, &refused) || errors.As(err, &unreachable) || errors.As(err, &timeout) {
		warnNotEnded(a, "portal", err)
		err = nil
	}
	if err != nil {
		return signedIn, err
	}
	if err := s.Source.Cache.Remove(t.service.CacheName()); err != nil {
		a.Warn(err)
	}
	return signedIn, t.removeSessions(ctx, s)
}

func ssoListCommand(k *kingpin.CmdClause, a *app.App) app.Verb {
	var name string
	var asJSON bool
	var f app.SignInFlags
	c := k.Command("list", "List the accounts and roles that you can use. You are asked to sign in first, if necessary.").Alias("ls").HelpLong(app.Examples(
		"List your accounts and roles.", "aws-vault sso list corp",
		"Print the list for a script.", "aws-vault sso list --json corp"))
	c.Arg("name", ssoNameHelp).StringVar(&name)
	c.Flag("json", "Print the list as JSON.").BoolVar(&asJSON)
	f.Bind(c)
	return app.Verb{Command: c, Agents: true, Run: func(ctx context.Context) error {
		return withPortal(ctx, a, "sso list", name, f, func(s *app.Session, at target[portal]) error {
			accounts, err := findAccounts(ctx, s, at.service)
			if err != nil {
				return err
			}
			if asJSON {
				return ui.PrintEscapedJSON(a.Env.Stdout, accounts)
			}
			return accountTable(a, accounts, profilesByRole(s, at.profiles))
		})
	}}
}

// findAccounts returns the accounts of a portal, sorted by name.
func findAccounts(ctx context.Context, s *app.Session, p portal) ([]awsapi.Account, error) {
	var accounts []awsapi.Account
	err := s.Source.SSO(p.Endpoint, p.SSO).Portal(ctx, func(portal *awsapi.Portal) (err error) {
		accounts, err = portal.Accounts(ctx)
		return err
	})
	slices.SortFunc(accounts, func(a, b awsapi.Account) int {
		return strings.Compare(a.Name+"\x00"+a.ID, b.Name+"\x00"+b.ID)
	})
	return accounts, err
}

func accountTable(a *app.App, accounts []awsapi.Account, profiles map[string][]string) error {
	w := tabwriter.NewWriter(a.Env.Stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintf(w, "Account\tName\tRole\tProfile\n=======\t====\t====\t=======\n")
	for _, account := range accounts {
		for _, role := range account.Roles {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", ui.Cell(account.ID), ui.Cell(account.Name), ui.Cell(role), ui.Cell(strings.Join(profiles[account.ID+"/"+role], ", ")))
		}
	}
	return w.Flush()
}

// profilesByRole returns the profiles that use each role. The keys of the map have the form ACCOUNT/ROLE.
func profilesByRole(s *app.Session, profiles []string) map[string][]string {
	of := map[string][]string{}
	for _, name := range profiles {
		if q, err := s.Config.Resolve(name, s.Inputs); err == nil {
			key := q.Text("sso_account_id") + "/" + q.Text("sso_role_name")
			of[key] = append(of[key], name)
		}
	}
	return of
}

// A portal is an access portal of Identity Center.
type portal struct {
	plan.SSO
	Endpoint plan.Endpoint
}

// portals finds the Identity Center portals in the config file. If profiles set different endpoints for the same
// portal, the first endpoint in the file is used.
var portals = serviceKind[portal]{
	sessions: (*profile.File).SSOSessions, sessionSetting: "sso_session", startSetting: "sso_start_url",
	serviceOf: func(p *profile.Profile) (portal, error) {
		sso, endpoint, err := plan.Portal(p)
		return portal{sso, endpoint}, err
	},
	prefer: func(first, _ portal) portal { return first },
}

// withPortal opens the vault and calls the function do with the portal of this name. If the name is empty, withPortal
// uses the portal of the profile in AWS_PROFILE, or the only portal in the config file.
func withPortal(ctx context.Context, a *app.App, verb, name string, f app.SignInFlags, do func(*app.Session, target[portal]) error) error {
	if name == "" {
		name, _ = a.Env.Getenv("AWS_PROFILE")
	}
	s, err := a.Open(ctx, strings.TrimSpace(verb+" "+name))
	if err != nil {
		return err
	}
	s.Source.User = a.Env.Person(f)
	t, err := portals.one(s, name)
	if err != nil {
		return err
	}
	return do(s, t)
}
