package identity

import (
	"context"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/cli/app"
	"aws-vault/vault/identity"
)

func identityTemplateCommand(k *kingpin.CmdClause, a *app.App, language, help string, print func(identity.Template) (string, error)) app.Verb {
	var t identity.Template
	c := k.Command(language, help)
	bindTemplate(c, &t)
	return identityVerb(a, c, "identity "+language, func(_ context.Context, _ *app.Session, i identitySection) error {
		t.Name, t.Issuer, t.Subject, t.Audience = i.name, i.issuer, i.subject, i.audience
		if t.Role == "" {
			t.Role = "aws-vault-" + i.name
		}
		text, err := print(t)
		if err != nil {
			return err
		}
		a.Print("%s", text)
		return nil
	})
}

func bindTemplate(c *kingpin.CmdClause, t *identity.Template) {
	c.Flag("role", "The role's name, there and in the accounts of a hub; aws-vault- and the identity if there is none.").PlaceHolder("NAME").StringVar(&t.Role)
	c.Flag("managed-policy", "What the role may do: a managed policy, which may be repeated.").PlaceHolder("NAME|ARN").StringsVar(&t.Managed)
	c.Flag("allow", "What the role may do: an action, which may be repeated, on what --on says.").PlaceHolder("ACTION").StringsVar(&t.Actions)
	c.Flag("on", "A resource that --allow is for, which may be repeated; * for all.").PlaceHolder("ARN").StringsVar(&t.Resources)
	c.Flag("hub-of", "What the role may do: assume the role of its name in another account, which may be repeated, and nothing else.").
		PlaceHolder("ACCOUNT").StringsVar(&t.Accounts)
	c.Flag("spoke-of", "The hub that leads to the role, which then needs no provider.").PlaceHolder("ROLE-ARN").StringVar(&t.Hub)
	c.Flag("organization", "Where the hub of --spoke-of has to be, such as o-a1b2c3d4e5.").PlaceHolder("ID").StringVar(&t.Organization)
	c.Flag("max-session", "The longest that the role can be had for: 1h to 12h.").PlaceHolder("TIME").
		SetValue(app.DurationFlag{Into: &t.MaxSession, Name: "--max-session"})
}
