package identity

import (
	"context"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/cli/app"
	"aws-vault/vault/identity"
)

func identityTemplateCommand(k *kingpin.CmdClause, a *app.App, language, help string, print func(identity.Template) (string, error)) app.Verb {
	var t identity.Template
	c := k.Command(language, help).HelpLong(app.Examples(
		"Let the identity alice read everything in an account.", "aws-vault identity "+language+" alice --managed-policy ReadOnlyAccess",
		"Let it assume roles in another account, and nothing else.", "aws-vault identity "+language+" alice --hub-of 210987654321"))
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
	c.Flag("role", "Name of the role, in this account and in the accounts of --hub-of. Default: aws-vault-IDENTITY.").PlaceHolder("NAME").StringVar(&t.Role)
	c.Flag("managed-policy", "Managed policy that the role gets. Repeatable.").PlaceHolder("NAME|ARN").StringsVar(&t.Managed)
	c.Flag("allow", "Action that the role can perform on the resources of --on. Repeatable.").PlaceHolder("ACTION").StringsVar(&t.Actions)
	c.Flag("on", "Resource for --allow, or * for all resources. Repeatable.").PlaceHolder("ARN").StringsVar(&t.Resources)
	c.Flag("hub-of", "Let the new role assume the role with the same name in ACCOUNT, and nothing else. Repeatable.").
		PlaceHolder("ACCOUNT").StringsVar(&t.Accounts)
	c.Flag("spoke-of", "ARN of the hub role that assumes the new role. The account of the new role then needs no OIDC provider.").PlaceHolder("ROLE-ARN").StringVar(&t.Hub)
	c.Flag("organization", "Organization that the hub of --spoke-of must belong to, such as o-a1b2c3d4e5.").PlaceHolder("ID").StringVar(&t.Organization)
	c.Flag("max-session", "Maximum session duration of the role, from 1h to 12h.").PlaceHolder("TIME").
		SetValue(app.DurationFlag{Into: &t.MaxSession, Name: "--max-session"})
}
