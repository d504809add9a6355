package cli

import (
	"context"

	"github.com/alecthomas/kingpin/v2"
)

func versionCommand(k *kingpin.Application, a *app) {
	c := k.Command("version", "Print the version.")
	a.action(c, verb{agents: true, run: func(context.Context) error {
		a.print("%s\n", a.env.Version)
		return nil
	}})
}
