package keys

import (
	"context"
	"fmt"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/cli/app"
	"aws-vault/cli/ui"
	"aws-vault/vault/printable"
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
			belongs := a.SessionsOf(ctx, s, name)
			n, err := s.ClearSessions(ctx, func(e store.Entry) bool { return e.Root == name || belongs(e) })
			if err == nil {
				a.Print("Deleted %s.\n", ui.Count(n, "session"))
			}
			return err
		}
		return remove(ctx, a, s, name, force)
	}}}
}

// An unfinishedRotationError reports that a key cannot be removed because its rotation was interrupted. The record of the
// rotation contains the old and the new key, and would stay in the keystore.
type unfinishedRotationError struct{ name string }

func (e *unfinishedRotationError) Error() string {
	return fmt.Sprintf("the rotation of key %s was interrupted, and its IAM user may have two access keys", printable.Quote(e.name))
}

func (e *unfinishedRotationError) Remedy() string {
	return fmt.Sprintf("finish the rotation with aws-vault rotate --resume %s, or undo it with aws-vault rotate --undo %[1]s; or, to delete the record of the rotation too, run aws-vault remove %[1]s in a terminal, without --force", ui.QuoteWord(e.name))
}

func remove(ctx context.Context, a *app.App, s *app.Session, name string, force bool) error {
	ctx, lock, err := lockKeys(ctx, s, "the removal of key "+name)
	if err != nil {
		return err
	}
	defer lock.Close()
	_, ok, err := s.Keys.Fingerprint(ctx, name)
	if err != nil {
		return err
	}
	journals := &store.Journals{Ring: s.Keystore.Private}
	interrupted, err := journals.Interrupted(ctx, []string{name})
	if err != nil {
		return err
	}
	question := fmt.Sprintf("Delete credentials for profile %s?", printable.Quote(name))
	switch {
	case !ok && len(interrupted) == 0:
		return fmt.Errorf("%s: %w", printable.Quote(name), store.ErrNoKey)
	case len(interrupted) == 0:
	case force || !canAsk(a):
		return &unfinishedRotationError{name}
	default:
		question = fmt.Sprintf("The rotation of the key of profile %s was interrupted. Delete its old and its new key from the keystore? They stay at AWS.", printable.Quote(name))
	}
	if !force {
		yes, err := a.Confirm(ctx, s.Locks, name, question)
		if err != nil || !yes {
			return err
		}
	}
	if ok {
		if err := s.Keys.Remove(ctx, name); err != nil {
			return err
		}
	}
	if err := journals.Remove(ctx, name); err != nil {
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
