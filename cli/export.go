package cli

import (
	"context"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/vault/plan"
)

func exportCommand(k *kingpin.Application, a *app) {
	var f credentialFlags
	var format string
	c := k.Command("export", "Print credentials of a profile, for a program or a shell.")
	f.bind(c)
	c.Flag("format", "How to print them: "+formatNames()+".").PlaceHolder("FORMAT").Default("env").EnumVar(&format, formatList()...)
	a.action(c, verb{agents: true, run: func(ctx context.Context) error { return a.export(ctx, f, format) }})
}

// jsonNeed is how long credentials serve at least that an SDK gets by credential_process:
// it begins to renew them 15 minutes before they expire, and would come back at each call.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
func jsonNeed(pl plan.Plan) time.Duration {
	const need = 16 * time.Minute
	if pl.MinTTL != nil {
		return max(need, *pl.MinTTL)
	}
	return need
}

func (a *app) export(ctx context.Context, f credentialFlags, format string) error {
	need := execNeed
	if format == "json" {
		need, a.serves = jsonNeed, !a.env.Terminal
	}
	pl, creds, err := a.credentials(ctx, "export", &f, need)
	if err != nil {
		return err
	}
	text, err := formatOf(format)(pl, creds)
	if err != nil {
		return err
	}
	_, err = a.env.Stdout.Write(text)
	return err
}
