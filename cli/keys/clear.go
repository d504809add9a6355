package keys

import (
	"context"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/cli/app"
	"aws-vault/cli/ui"
)

func ClearCommand(k *kingpin.Application, a *app.App) []app.Verb {
	var name string
	c := k.Command("clear", "Remove cached sessions and sign-ins of one profile or of all profiles.").HelpLong(app.Examples(
		"Remove the cached sessions of the profile prod.", "aws-vault clear prod",
		"Remove all cached sessions and sign-ins.", "aws-vault clear"))
	c.Arg("profile", "Profile whose sessions are removed. Default: all profiles.").StringVar(&name)
	return []app.Verb{{Command: c, Agents: true, Run: func(ctx context.Context) error {
		s, err := a.Open(ctx, "clear "+name)
		if err != nil {
			return err
		}
		n, err := a.Clear(ctx, s, name)
		if err != nil {
			return err
		}
		a.Print("Cleared %s.\n", ui.Count(n, "session"))
		return nil
	}}}
}
