package cli

import (
	"context"
	"fmt"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/vault/identity"
	"aws-vault/vault/source"
)

func identityVerifyCommand(k *kingpin.CmdClause, a *app) {
	c := k.Command("verify", "Fetch the published files and say what is wrong with them. The exit status is 1 if AWS does not trust the identity by them, or trusts others.")
	a.identityAction(c, "identity verify", func(ctx context.Context, s *session, i identitySection) error {
		r, err := s.identities().Record(i.name)
		if err != nil {
			return fmt.Errorf("identity %s: %w", i.name, err)
		}
		p, err := s.Config.Resolve("", s.Inputs)
		if err != nil {
			return err
		}
		fetch, err := source.Pages(s.Source.AWS, p.Text("ca_bundle"))
		if err != nil {
			return err
		}
		found := identity.Check(ctx, fetch, i.issuer, r, a.env.Now())
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return a.sayFindings(i, found)
	})
}

func (a *app) sayFindings(i identitySection, found []identity.Finding) error {
	if len(found) == 0 {
		a.print("%s publishes the keys of identity %s, and no others.\n", i.issuer, i.name)
		return nil
	}
	fatal := false
	for _, f := range found {
		word := "odd"
		if f.Fatal {
			word, fatal = "wrong", true
		}
		a.print("%s: %s\n", word, shown(f.String()))
	}
	if fatal {
		return statusError(statusFailed)
	}
	return nil
}
