package cli

import (
	"context"

	"github.com/alecthomas/kingpin/v2"
)

func clearCommand(k *kingpin.Application, a *app) {
	var name string
	c := k.Command("clear", "Remove kept sessions and sign-ins, of one profile or of all.")
	c.Arg("profile", "The profile whose sessions go; all if there is none.").StringVar(&name)
	a.action(c, verb{agents: true, run: func(ctx context.Context) error {
		s, err := a.open(ctx, "clear "+name, nil, "")
		if err != nil {
			return err
		}
		n, err := s.clear(ctx, name)
		if err != nil {
			return err
		}
		a.print("Cleared %s.\n", count(n, "session"))
		return nil
	}})
}
