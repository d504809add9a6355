package run

import (
	"context"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/cli/app"
	"aws-vault/vault/plan"
)

func ExportCommand(k *kingpin.Application, a *app.App) []app.Verb {
	var f app.CredentialFlags
	var format string
	c := k.Command("export", "Print the credentials of a profile, for a program or a shell.").HelpLong(app.Examples(
		"Set the credentials in the current shell.", `eval "$(aws-vault export --format export-env prod)"`,
		"Print the credentials as credential_process expects them.", "aws-vault export --format json prod"))
	f.Bind(c)
	c.Flag("format", "Output format: "+formatNames()+".").PlaceHolder("FORMAT").Default("env").EnumVar(&format, FormatList()...)
	return []app.Verb{{Command: c, Agents: true, Run: func(ctx context.Context) error { return export(ctx, a, f, format) }}}
}

// jsonNeed returns how long the credentials for a credential_process must still be valid. SDKs run the
// credential_process again 15 minutes before the credentials expire. With less time left, they would run aws-vault for
// each call.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
func jsonNeed(pl plan.Plan) time.Duration {
	const need = 16 * time.Minute
	if pl.MinTTL != nil {
		return max(need, *pl.MinTTL)
	}
	return need
}

func export(ctx context.Context, a *app.App, f app.CredentialFlags, format string) error {
	need, serves := app.ExecNeed, false
	if format == "json" {
		need, serves = jsonNeed, !a.Env.StdoutTerminal
	}
	t, creds, err := credentials(ctx, a, app.Request{Verb: "export", Flags: &f, OfferProfiles: true, ForProgram: serves}, need, provision{})
	if err != nil {
		return err
	}
	text, err := formatOf(format)(t.Plan, creds)
	if err != nil {
		return err
	}
	_, err = a.Env.Stdout.Write(text)
	return err
}
