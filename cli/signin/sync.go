package signin

import (
	"context"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/cli/app"
	"aws-vault/cli/ui"
	"aws-vault/vault/profile"
	"aws-vault/vault/rolesync"
)

func ssoSyncCommand(k *kingpin.CmdClause, a *app.App) app.Verb {
	var name, template string
	var prune, dry bool
	var f app.SignInFlags
	c := k.Command("sync", "Write a profile for each account and role that you can use.").HelpLong(app.Examples(
		"Show which profiles would be written.", "aws-vault sso sync --dry-run corp",
		"Write the profiles, and remove those for roles that you can no longer use.", "aws-vault sso sync --prune corp"))
	c.Arg("name", ssoNameHelp).StringVar(&name)
	c.Flag("template", "Name of each profile, built from {account_name}, {account_id}, {role} and {session}.").Default("{account_name}-{role}").StringVar(&template)
	c.Flag("prune", "Remove profiles that sync wrote for roles that you can no longer use.").BoolVar(&prune)
	c.Flag("dry-run", "Show what would be done, and change nothing.").BoolVar(&dry)
	f.Bind(c)
	return app.Verb{Command: c, Agents: true, Run: func(ctx context.Context) error {
		if err := rolesync.CheckTemplate(template); err != nil {
			return &app.UsageError{Text: err.Error()}
		}
		return withPortal(ctx, a, "sso sync", name, f, func(s *app.Session, at target[portal]) error {
			accounts, err := findAccounts(ctx, s, at.service)
			if err != nil {
				return err
			}
			var roles []rolesync.Role
			for _, account := range accounts {
				for _, role := range account.Roles {
					roles = append(roles, rolesync.Role{Account: account.ID, AccountName: account.Name, Role: role})
				}
			}
			sync := rolesync.Sync{Label: at.service.Label(), Base: at.service.settings(), Template: template, Prune: prune}
			return a.Env.ConfigFile().Edit(ctx, s.Locks, func(f *profile.File) ([]byte, error) { return syncRoles(a, f, sync, roles, dry) })
		})
	}}
}

// settings returns the profile settings that select the portal.
func (p portal) settings() []profile.Setting {
	if p.Session != "" {
		return []profile.Setting{{Name: "sso_session", Value: p.Session}}
	}
	base := []profile.Setting{{Name: "sso_start_url", Value: p.StartURL}, {Name: "sso_region", Value: p.Region}}
	if len(p.Scopes) > 0 {
		base = append(base, profile.Setting{Name: "sso_registration_scopes", Value: strings.Join(p.Scopes, ",")})
	}
	return base
}

// syncRoles prints the changes of a sync and returns the new text of the config file. If there are no changes, or for a
// dry run, it returns nil.
func syncRoles(a *app.App, f *profile.File, sync rolesync.Sync, roles []rolesync.Role, dry bool) ([]byte, error) {
	out, err := sync.Apply(f, roles)
	if err != nil {
		return nil, err
	}
	for _, name := range out.NameConflicts {
		a.Note("profile %s was not created by aws-vault, so it is not changed, and the role that needs this name gets no profile", name)
	}
	for _, name := range out.StaleEdited {
		a.Note("profile %s is kept because you added settings to it, but you can no longer use its role", name)
	}
	if len(out.Stale) > 0 {
		a.Note("%s for roles that you can no longer use: %s; to remove them, use --prune", ui.Count(len(out.Stale), "profile"), strings.Join(out.Stale, ", "))
	}
	noteRenames(a, out.Renamed, sync.Prune)
	if out.Text == nil {
		a.Print("Nothing to change.\n")
		return nil, nil
	}
	a.Print("%s", profile.Changes(f, out.Text))
	if dry {
		return nil, nil
	}
	a.Print("Added %d, changed %d and removed %d.\n", len(out.Added), len(out.Changed), len(out.Removed))
	return out.Text, nil
}

// noteRenames prints which profiles have new names. The parameter pruned reports whether the profiles with the old
// names are removed.
func noteRenames(a *app.App, renames []rolesync.Rename, pruned bool) {
	var names []string
	for _, r := range renames {
		if r.Edited {
			a.Note("profile %s is kept because you added settings to it, but sync now uses the name %s for its role", r.From, r.To)
			continue
		}
		names = append(names, r.From+" -> "+r.To)
	}
	if len(names) == 0 {
		return
	}
	remedy := "; to remove the profiles with the old names, use --prune"
	if pruned {
		remedy = ""
	}
	a.Note("new names for %s: %s%s", ui.Count(len(names), "profile"), strings.Join(names, ", "), remedy)
}
