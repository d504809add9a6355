package cli

import (
	"context"
	"fmt"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/vault/store"
)

func removeCommand(k *kingpin.Application, a *app) {
	var name string
	var force, sessionsOnly bool
	c := k.Command("remove", "Remove a stored key and the sessions made with it.").Alias("rm")
	c.Arg("profile", "The name that the key is stored under.").Required().StringVar(&name)
	c.Flag("force", "Do not ask.").Short('f').BoolVar(&force)
	c.Flag("sessions-only", "Remove the sessions and leave the key.").Short('s').Hidden().BoolVar(&sessionsOnly)
	a.action(c, verb{does: "deletes a long-lived key", run: func(ctx context.Context) error {
		s, err := a.open(ctx, "remove "+name, nil, "")
		if err != nil {
			return err
		}
		if sessionsOnly {
			n, err := s.forget(ctx, name)
			if err == nil {
				a.print("Deleted %s.\n", count(n, "session"))
			}
			return err
		}
		return a.remove(ctx, s, name, force)
	}})
}

func (a *app) remove(ctx context.Context, s *session, name string, force bool) error {
	_, ok, err := s.Keys.Fingerprint(ctx, name)
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("%q: %w", name, store.ErrNoKey)
	}
	if !force {
		yes, err := a.confirm(ctx, s.locks, name, fmt.Sprintf("Delete credentials for profile %q?", name))
		if err != nil || !yes {
			return err
		}
	}
	if err := s.Keys.Remove(ctx, name); err != nil {
		return err
	}
	a.print("Deleted credentials.\n")
	n, err := s.forget(ctx, name)
	if n > 0 {
		a.print("Deleted %s.\n", count(n, "session"))
	}
	return err
}

// forget removes the sessions of a profile and those that began with its key.
func (s *session) forget(ctx context.Context, name string) (int, error) {
	return s.clearSessions(ctx, func(e store.Entry) bool { return e.Profile == name || e.Root == name })
}

func (s *session) clearSessions(ctx context.Context, match func(store.Entry) bool) (int, error) {
	n, warnings, err := s.Sessions.Remove(ctx, match)
	for _, w := range warnings {
		s.Warn(w)
	}
	return n, err
}

func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
