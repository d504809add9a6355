package keys

import (
	"context"
	"fmt"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/cli/app"
	"aws-vault/cli/ui"
	"aws-vault/vault/store"
)

func RemoveCommand(k *kingpin.Application, a *app.App) []app.Verb {
	var name string
	var force, sessionsOnly bool
	c := k.Command("remove", "Remove a stored access key and the sessions that were created with it.").Alias("rm").HelpLong(app.Examples(
		"Remove the key of the profile work, after a confirmation.", "aws-vault remove work",
		"Remove it without a confirmation.", "aws-vault remove --force work"))
	c.Arg("profile", "Name that the key is stored under.").Required().StringVar(&name)
	c.Flag("force", "Do not ask for confirmation.").Short('f').BoolVar(&force)
	c.Flag("sessions-only", "Remove the sessions and leave the key.").Short('s').Hidden().BoolVar(&sessionsOnly)
	return []app.Verb{{Command: c, Effect: "deletes a long-lived key", Run: func(ctx context.Context) error {
		s, err := a.Open(ctx, "remove "+name)
		if err != nil {
			return err
		}
		if sessionsOnly {
			n, err := removeSessions(ctx, s, name)
			if err == nil {
				a.Print("Deleted %s.\n", ui.Count(n, "session"))
			}
			return err
		}
		return remove(ctx, a, s, name, force)
	}}}
}

func remove(ctx context.Context, a *app.App, s *app.Session, name string, force bool) error {
	_, ok, err := s.Keys.Fingerprint(ctx, name)
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("%q: %w", name, store.ErrNoKey)
	}
	if !force {
		yes, err := a.Confirm(ctx, s.Locks, name, fmt.Sprintf("Delete credentials for profile %q?", name))
		if err != nil || !yes {
			return err
		}
	}
	if err := s.Keys.Remove(ctx, name); err != nil {
		return err
	}
	a.Print("Deleted credentials.\n")
	n, err := removeSessions(ctx, s, name)
	if n > 0 {
		a.Print("Deleted %s.\n", ui.Count(n, "session"))
	}
	return err
}

// removeSessions removes the sessions of a profile, and all sessions that were created with the key of this profile.
func removeSessions(ctx context.Context, s *app.Session, name string) (int, error) {
	return s.ClearSessions(ctx, func(e store.Entry) bool { return e.Profile == name || e.Root == name })
}
