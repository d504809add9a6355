package cli

import (
	"context"
	"strings"
	"unicode"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/vault"
	"aws-vault/vault/profile"
)

func ssoSyncCommand(k *kingpin.CmdClause, a *app) {
	var name, template string
	var prune, dry bool
	var f signInFlags
	c := k.Command("sync", "Write a profile for each account and role that you may take.")
	c.Arg("name", ssoNameHelp).StringVar(&name)
	c.Flag("template", "How to name the profiles, of {account_name}, {account_id}, {role} and {session}.").Default("{account_name}-{role}").StringVar(&template)
	c.Flag("prune", "Remove the profiles that were written for roles which you may not take any more.").BoolVar(&prune)
	c.Flag("dry-run", "Change nothing: only show what would be.").BoolVar(&dry)
	f.bind(c)
	a.action(c, verb{agents: true, run: func(ctx context.Context) error {
		if err := vault.CheckTemplate(template); err != nil {
			return &usageError{err.Error()}
		}
		return a.withPortal(ctx, "sso sync", name, f, func(s *session, p portal) error {
			accounts, err := s.accounts(ctx, p)
			if err != nil {
				return err
			}
			var roles []vault.SyncedRole
			for _, account := range accounts {
				for _, role := range account.Roles {
					roles = append(roles, vault.SyncedRole{Account: account.ID, AccountName: account.Name, Role: role})
				}
			}
			sync := vault.RoleSync{Label: p.sso.Label(), Base: p.settings(), Template: template, Prune: prune}
			return a.config().Edit(ctx, s.locks, func(f *profile.File) ([]byte, error) { return a.sync(f, sync, roles, dry) })
		})
	}})
}

// settings are what a profile says to begin at the portal.
func (p portal) settings() []profile.Setting {
	if p.sso.Session != "" {
		return []profile.Setting{{Name: "sso_session", Value: p.sso.Session}}
	}
	base := []profile.Setting{{Name: "sso_start_url", Value: p.sso.StartURL}, {Name: "sso_region", Value: p.sso.Region}}
	if len(p.sso.Scopes) > 0 {
		base = append(base, profile.Setting{Name: "sso_registration_scopes", Value: strings.Join(p.sso.Scopes, ",")})
	}
	return base
}

// sync shows what a sync changes, and returns the file's new text unless it is only to be
// shown.
func (a *app) sync(f *profile.File, sync vault.RoleSync, roles []vault.SyncedRole, dry bool) ([]byte, error) {
	out, err := sync.Apply(f, roles)
	if err != nil {
		return nil, err
	}
	for _, name := range out.Taken {
		a.note("profile %s is yours and stays as it is; the role that would have its name gets none", name)
	}
	for _, name := range out.Kept {
		a.note("profile %s stays for what you have added to it, though you may not take its role any more", name)
	}
	if len(out.Stale) > 0 {
		a.note("%s for roles that you may not take any more: %s; --prune removes them", count(len(out.Stale), "profile"), strings.Join(out.Stale, ", "))
	}
	if out.Text == nil {
		a.print("Nothing to change.\n")
		return nil, nil
	}
	a.print("%s", f.Changes(out.Text))
	if dry {
		return nil, nil
	}
	a.print("Added %d, changed %d and removed %d.\n", len(out.Added), len(out.Changed), len(out.Removed))
	return out.Text, nil
}

// shown is a text of the portal's as a terminal may be given it.
func shown(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, text)
}
