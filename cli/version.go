package cli

import (
	"context"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/cli/app"
)

func versionCommand(k *kingpin.Application, a *app.App) []app.Verb {
	c := k.Command("version", "Print the version.").HelpLong(app.Examples(
		"Print the version.", "aws-vault version",
		"The flag does the same.", "aws-vault --version"))
	return []app.Verb{{Command: c, Agents: true, Run: func(context.Context) error {
		a.Print("%s\n", a.Env.Version)
		return nil
	}}}
}
