package identity

import (
	"context"
	"fmt"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/cli/app"
	"aws-vault/vault/identity"
	"aws-vault/vault/printable"
	"aws-vault/vault/source"
)

func identityVerifyCommand(k *kingpin.CmdClause, a *app.App) app.Verb {
	c := k.Command("verify", "Fetch the published files and report what is wrong with them. The exit status is 1 if AWS would not trust the identity, or would trust other keys too.").HelpLong(app.Examples(
		"Check the published files of your only identity.", "aws-vault identity verify",
		"Check the published files of the identity ci.", "aws-vault identity verify ci"))
	return identityVerb(a, c, "identity verify", func(ctx context.Context, s *app.Session, i identitySection) error {
		r, err := s.Identities().Record(i.name)
		if err != nil {
			return fmt.Errorf("identity %s: %w", i.name, err)
		}
		p, err := s.Config.Resolve("", s.Inputs)
		if err != nil {
			return err
		}
		fetch, err := source.PageFetcher(s.Source.AWS, p.Text("ca_bundle"))
		if err != nil {
			return err
		}
		found := identity.Check(ctx, fetch, i.issuer, r, a.Env.Now())
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return printFindings(a, i, found)
	})
}

func printFindings(a *app.App, i identitySection, found []identity.Finding) error {
	if len(found) == 0 {
		a.Print("%s publishes the keys of identity %s and no other keys.\n", i.issuer, i.name)
		return nil
	}
	fatal := false
	for _, f := range found {
		word := "warning"
		if f.Fatal {
			word, fatal = "error", true
		}
		a.Print("%s: %s\n", word, printable.Line(f.String()))
	}
	if fatal {
		return app.StatusError(app.StatusFailed)
	}
	return nil
}
