// Package identity has the commands for keys that AWS trusts directly, without an external identity provider. The
// command identity manages keys that sign the tokens of your own OIDC issuer. The command certificate creates
// certificates for IAM Roles Anywhere. The package also has the command policy, which creates and checks trust
// policies.
package identity

import (
	"context"
	"fmt"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/cli/app"
	"aws-vault/cli/ui"
	"aws-vault/vault/card/piv"
	"aws-vault/vault/identity"
	"aws-vault/vault/printable"
	"aws-vault/vault/profile"
)

func Command(k *kingpin.Application, a *app.App) []app.Verb {
	c := k.Command("identity", "Assume roles with tokens that you sign yourself, without an OIDC provider.").HelpLong(app.Examples(
		"Create an identity with a key on your security key.", "aws-vault identity init --issuer https://keys.example.com/alice --subject alice@example.com",
		"Show your identity and its keys.", "aws-vault identity show"))
	return []app.Verb{
		identityInitCommand(c, a),
		identityShowCommand(c, a),
		identityRotateCommand(c, a),
		identityPublishCommand(c, a),
		identityVerifyCommand(c, a),
		identityTemplateCommand(c, a, "cloudformation", "Print a CloudFormation template that gives an identity access to an account. The command does not call AWS.", identity.Template.CloudFormation),
		identityTemplateCommand(c, a, "terraform", "Print a Terraform configuration that gives an identity access to an account. The command does not call AWS.", identity.Template.Terraform),
		identityRemoveCommand(c, a),
	}
}

// keyFlags contains the flags that select how a key of an identity is created.
type keyFlags struct {
	slot, pin, touch, replace string
	software, adopt           bool
}

func (f *keyFlags) bind(c *kingpin.CmdClause) {
	c.Flag("slot", "PIV slot of the security key that will hold the new key.").PlaceHolder("SLOT").Default("9c").StringVar(&f.slot)
	c.Flag("pin", "When the key requires the PIN: never, once, always.").PlaceHolder("WHEN").Default("once").EnumVar(&f.pin, piv.PINPolicyNames()...)
	c.Flag("touch", "When the key requires a touch: never, always, or cached (a touch counts for 15 s).").
		PlaceHolder("WHEN").Default("always").EnumVar(&f.touch, piv.TouchPolicyNames()...)
	c.Flag("replace", "Replace the key that is already in the slot. The old key is lost. SLOT must be the same as in --slot, to confirm this.").PlaceHolder("SLOT").StringVar(&f.replace)
	c.Flag("adopt", "Use the key that is already in the slot, such as one that you also use on another computer.").BoolVar(&f.adopt)
	c.Flag("software", "Store the key in the keystore instead of on a security key. Anyone who can open the keystore can copy it.").BoolVar(&f.software)
}

func identityInitCommand(k *kingpin.CmdClause, a *app.App) app.Verb {
	var name, dir string
	var settings struct{ issuer, subject, audience string }
	var f keyFlags
	c := k.Command("init", "Create an identity: a key, a section of the config file, and the files to publish.").HelpLong(app.Examples(
		"Create an identity with a key on your security key.", "aws-vault identity init --issuer https://keys.example.com/alice --subject alice@example.com",
		"Create the identity ci with a key in the keystore.", "aws-vault identity init ci --software --issuer https://keys.example.com/ci --subject ci"))
	c.Arg("identity", "Name of the new identity. Default: the subject, up to the @.").StringVar(&name)
	c.Flag("issuer", "URL where you will publish the files. AWS identifies the issuer by it.").Required().PlaceHolder("URL").StringVar(&settings.issuer)
	c.Flag("subject", "Subject of the tokens: who the identity stands for, such as an email address.").Required().PlaceHolder("NAME").StringVar(&settings.subject)
	c.Flag("audience", "Audience of the tokens. Default: the issuer.").PlaceHolder("TEXT").StringVar(&settings.audience)
	f.bind(c)
	bindDir(c, &dir)
	return app.Verb{Command: c, Effect: identityEffect, Run: func(ctx context.Context) error {
		if err := identity.CheckIssuer(settings.issuer); err != nil {
			return &app.UsageError{Text: "--" + err.Error()}
		}
		if name == "" {
			name, _, _ = strings.Cut(settings.subject, "@")
		}
		lines := []profile.Setting{{Name: "identity_issuer", Value: settings.issuer}, {Name: "identity_subject", Value: settings.subject}}
		if settings.audience != "" {
			lines = append(lines, profile.Setting{Name: "identity_audience", Value: settings.audience})
		}
		s, err := a.Open(ctx, "identity init")
		if err != nil {
			return err
		}
		if _, err := profile.WithIdentity(s.Config, name, lines); err != nil { // report invalid settings before a key is created
			return err
		}
		if err := newIdentityKey(ctx, a, s, name, f); err != nil {
			return err
		}
		err = a.Env.ConfigFile().Edit(ctx, s.Locks, func(file *profile.File) ([]byte, error) {
			return profile.WithIdentity(file, name, lines)
		})
		if err != nil {
			return err
		}
		a.Print("Added identity %s to %s.\n", name, a.Env.ConfigFile().Name)
		if err := publish(a, s, name, settings.issuer, dir); err != nil {
			return err
		}
		a.Print("Then create a role that trusts the identity: aws-vault identity cloudformation %s (or terraform).\n", ui.QuoteWord(name))
		return nil
	}}
}

func bindDir(c *kingpin.CmdClause, dir *string) {
	c.Flag("dir", "Directory to write the files to. Default: a new directory in the current one, with the name of the identity.").PlaceHolder("DIR").StringVar(dir)
}

// An identitySection is an identity section of the config file.
type identitySection struct{ name, issuer, subject, audience string }

// readIdentitySection reads the section of an identity, or the only identity section if name is empty.
func readIdentitySection(s *app.Session, name string) (identitySection, error) {
	names := s.Config.Identities()
	if name == "" && len(names) == 1 {
		name = names[0]
	}
	if name == "" {
		if len(names) == 0 {
			return identitySection{}, noIdentityError{}
		}
		return identitySection{}, &app.UsageError{Text: "no identity given, expected one of " + strings.Join(names, ", ")}
	}
	in := s.Inputs
	in.Flags = map[string]profile.Flag{"identity": {Name: "IDENTITY", Text: name}}
	p, err := s.Config.Resolve("", in)
	if err != nil {
		return identitySection{}, err
	}
	i := identitySection{name, p.Text("identity_issuer"), p.Text("identity_subject"), p.Text("identity_audience")}
	if i.issuer == "" || i.subject == "" {
		return i, fmt.Errorf("[identity %s] does not set identity_issuer and identity_subject", name)
	}
	if i.audience == "" {
		i.audience = i.issuer
	}
	return i, nil
}

type noIdentityError struct{}

func (noIdentityError) Error() string { return "the config file has no identity section" }

func (noIdentityError) Remedy() string { return "create an identity: aws-vault identity init" }

// identityEffect describes what the identity commands do. The error for coding agents contains this text.
const identityEffect = "manages keys that prove a person's identity"

const identityNameHelp = "Identity to use. Default: the only one in the config file."

// identityVerb returns a command that reads the section of one identity and then calls the function act.
func identityVerb(a *app.App, c *kingpin.CmdClause, what string, act func(context.Context, *app.Session, identitySection) error) app.Verb {
	name := c.Arg("identity", identityNameHelp).String()
	return app.Verb{Command: c, Effect: identityEffect, Run: func(ctx context.Context) error {
		s, err := a.Open(ctx, what)
		if err != nil {
			return err
		}
		i, err := readIdentitySection(s, *name)
		if err != nil {
			return err
		}
		return act(ctx, s, i)
	}}
}

func identityShowCommand(k *kingpin.CmdClause, a *app.App) app.Verb {
	c := k.Command("show", "Show the subject of an identity, its keys, and the period in which each key is used.").HelpLong(app.Examples(
		"Show your only identity.", "aws-vault identity show",
		"Show the identity ci.", "aws-vault identity show ci"))
	return identityVerb(a, c, "identity show", func(_ context.Context, s *app.Session, i identitySection) error {
		r, err := s.Identities().Record(i.name)
		if err != nil {
			return fmt.Errorf("identity %s: %w", i.name, err)
		}
		a.Print("identity %s\n   issuer    %s\n   subject   %s\n   audience  %s\n", i.name, i.issuer, i.subject, i.audience)
		now := a.Env.Now()
		signing, _ := r.SigningKey(now)
		for _, k := range r.PublishedKeys(now) {
			state := "published, no longer signs"
			switch {
			case k.ID == signing.ID:
				state = "signs"
			case k.SignsFrom.After(now):
				state = "signs from " + k.SignsFrom.Local().Format("2006-01-02 15:04:05") + " on"
			}
			a.Print("   key       %s, %s: %s\n", k.ID, keyLocation(k), state)
		}
		return nil
	})
}

// keyLocation returns the part of a message that tells where a key is stored.
func keyLocation(k identity.Key) string {
	if slot := k.Slot(); slot != "" {
		return fmt.Sprintf("slot %s of YubiKey %d", slot, k.Card)
	}
	return "in the keystore"
}

func identityRotateCommand(k *kingpin.CmdClause, a *app.App) app.Verb {
	var dir string
	var f keyFlags
	c := k.Command("rotate", "Create the next key of an identity, and write the files to publish. The new key is used from the next day on, so that AWS can fetch it first.").HelpLong(app.Examples(
		"Create the next key in slot 9d of your security key.", "aws-vault identity rotate alice --slot 9d",
		"Create the next key in the keystore, and write the files to ./site/ci.", "aws-vault identity rotate ci --software --dir site/ci"))
	f.bind(c)
	bindDir(c, &dir)
	return identityVerb(a, c, "identity rotate", func(ctx context.Context, s *app.Session, i identitySection) error {
		if err := newIdentityKey(ctx, a, s, i.name, f); err != nil {
			return err
		}
		return publish(a, s, i.name, i.issuer, dir)
	})
}

func identityPublishCommand(k *kingpin.CmdClause, a *app.App) app.Verb {
	var dir string
	c := k.Command("publish", "Write the files of an identity again, so that you can publish them.").HelpLong(app.Examples(
		"Write the files of your only identity.", "aws-vault identity publish",
		"Write the files of the identity ci to ./site/ci.", "aws-vault identity publish ci --dir site/ci"))
	bindDir(c, &dir)
	return identityVerb(a, c, "identity publish", func(_ context.Context, s *app.Session, i identitySection) error {
		return publish(a, s, i.name, i.issuer, dir)
	})
}

func identityRemoveCommand(k *kingpin.CmdClause, a *app.App) app.Verb {
	var force bool
	c := k.Command("remove", "Delete the keys of an identity from this computer. Keys on a security key stay there.").HelpLong(app.Examples(
		"Delete the keys of the identity alice, after a confirmation.", "aws-vault identity remove alice",
		"Delete the keys of the identity ci without a confirmation.", "aws-vault identity remove --force ci"))
	c.Flag("force", "Do not ask for confirmation.").Short('f').BoolVar(&force)
	return identityVerb(a, c, "identity remove", func(ctx context.Context, s *app.Session, i identitySection) error {
		if !force {
			yes, err := a.Confirm(ctx, s.Locks, i.name, fmt.Sprintf("Remove the keys of identity %s from this computer?", printable.Quote(i.name)))
			if err != nil || !yes {
				return err
			}
		}
		if err := s.Identities().Remove(ctx, i.name); err != nil {
			return err
		}
		a.Print("Removed the keys of identity %s. Its section stays in %s. Also delete the OIDC provider %s in IAM.\n", i.name, a.Env.ConfigFile().Name, i.issuer)
		return nil
	})
}
