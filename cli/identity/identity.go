// Package identity has the commands for keys that AWS trusts without a provider in between: as an
// OIDC issuer (identity) or for IAM Roles Anywhere (certificate), and for trust policies.
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
	"aws-vault/vault/profile"
)

func Command(k *kingpin.Application, a *app.App) []app.Verb {
	c := k.Command("identity", "Sign tokens of your own that AWS takes for a role, with no provider between.")
	return []app.Verb{
		identityInitCommand(c, a),
		identityShowCommand(c, a),
		identityRotateCommand(c, a),
		identityPublishCommand(c, a),
		identityVerifyCommand(c, a),
		identityTemplateCommand(c, a, "cloudformation", "Print what lets an identity into an account, for CloudFormation. Nothing is called.", identity.Template.CloudFormation),
		identityTemplateCommand(c, a, "terraform", "Print what lets an identity into an account, for Terraform. Nothing is called.", identity.Template.Terraform),
		identityRemoveCommand(c, a),
	}
}

// keyFlags say where a new key of an identity is made.
type keyFlags struct {
	slot, pin, touch, replace string
	software, adopt           bool
}

func (f *keyFlags) bind(c *kingpin.CmdClause) {
	c.Flag("slot", "The slot of a hardware key that the key is made in.").PlaceHolder("SLOT").Default("9c").StringVar(&f.slot)
	c.Flag("pin", "When the key wants the PIN: never, once, always.").PlaceHolder("WHEN").Default("once").EnumVar(&f.pin, piv.PINPolicyNames()...)
	c.Flag("touch", "When the key wants a touch: never, always, or cached for 15 seconds.").
		PlaceHolder("WHEN").Default("always").EnumVar(&f.touch, piv.TouchPolicyNames()...)
	c.Flag("replace", "Make the key in a slot that holds another, which is lost: the slot's name again.").PlaceHolder("SLOT").StringVar(&f.replace)
	c.Flag("adopt", "Take the key that is in the slot, such as one that another computer of yours uses.").BoolVar(&f.adopt)
	c.Flag("software", "Keep the key in the keystore, for those without hardware: whoever opens that can copy it.").BoolVar(&f.software)
}

func identityInitCommand(k *kingpin.CmdClause, a *app.App) app.Verb {
	var name, dir string
	var settings struct{ issuer, subject, audience string }
	var f keyFlags
	c := k.Command("init", "Make an identity: a key, a section of the config file, and the files to publish.")
	c.Arg("identity", "What to call it; otherwise the subject, up to an @.").StringVar(&name)
	c.Flag("issuer", "Where the files will be published; AWS knows the identity by it.").Required().PlaceHolder("URL").StringVar(&settings.issuer)
	c.Flag("subject", "Who it is, such as a mail address.").Required().PlaceHolder("NAME").StringVar(&settings.subject)
	c.Flag("audience", "Whom its tokens are for; otherwise the issuer.").PlaceHolder("TEXT").StringVar(&settings.audience)
	f.bind(c)
	bindDir(c, &dir)
	return app.Verb{Command: c, Does: identityDoes, Run: func(ctx context.Context) error {
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
		if _, err := profile.WithIdentity(s.Config, name, lines); err != nil { // before a key is made in vain
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
		a.Print("Then let it into an account: aws-vault identity cloudformation %s, or terraform.\n", ui.QuoteWord(name))
		return nil
	}}
}

func bindDir(c *kingpin.CmdClause, dir *string) {
	c.Flag("dir", "The folder to write the files to; otherwise one with the identity's name, here.").PlaceHolder("DIR").StringVar(dir)
}

// An identitySection is what the config file says of an identity.
type identitySection struct{ name, issuer, subject, audience string }

// readIdentitySection reads the section of an identity; of the only one if none is named.
func readIdentitySection(s *app.Session, name string) (identitySection, error) {
	names := s.Config.Identities()
	if name == "" && len(names) == 1 {
		name = names[0]
	}
	if name == "" {
		if len(names) == 0 {
			return identitySection{}, noIdentityError{}
		}
		return identitySection{}, &app.UsageError{Text: "want the name of an identity; there are " + strings.Join(names, ", ")}
	}
	in := s.Inputs
	in.Flags = map[string]profile.Flag{"identity": {Name: "IDENTITY", Text: name}}
	p, err := s.Config.Resolve("", in)
	if err != nil {
		return identitySection{}, err
	}
	i := identitySection{name, p.Text("identity_issuer"), p.Text("identity_subject"), p.Text("identity_audience")}
	if i.issuer == "" || i.subject == "" {
		return i, fmt.Errorf("[identity %s] lacks identity_issuer or identity_subject", name)
	}
	if i.audience == "" {
		i.audience = i.issuer
	}
	return i, nil
}

type noIdentityError struct{}

func (noIdentityError) Error() string { return "the config file has no identity section" }

func (noIdentityError) Remedy() string { return "make one: aws-vault identity init" }

// identityDoes is why coding agents may not use the commands on identities.
const identityDoes = "manages what a person proves their identity with"

const identityNameHelp = "The identity; the only one there is, if there is none."

// identityVerb is a command on one identity.
func identityVerb(a *app.App, c *kingpin.CmdClause, what string, act func(context.Context, *app.Session, identitySection) error) app.Verb {
	name := c.Arg("identity", identityNameHelp).String()
	return app.Verb{Command: c, Does: identityDoes, Run: func(ctx context.Context) error {
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
	c := k.Command("show", "Say who an identity is, which keys it has and when each of them signs.")
	return identityVerb(a, c, "identity show", func(_ context.Context, s *app.Session, i identitySection) error {
		r, err := s.Identities().Record(i.name)
		if err != nil {
			return fmt.Errorf("identity %s: %w", i.name, err)
		}
		a.Print("identity %s\n   issuer    %s\n   subject   %s\n   audience  %s\n", i.name, i.issuer, i.subject, i.audience)
		now := a.Env.Now()
		signing, _ := r.Signing(now)
		for _, k := range r.Published(now) {
			state := "is still published"
			switch {
			case k.ID == signing.ID:
				state = "signs"
			case k.Since.After(now):
				state = "signs from " + k.Since.Local().Format("2006-01-02 15:04:05") + " on"
			}
			a.Print("   key       %s, %s: %s\n", k.ID, keyPlace(k), state)
		}
		return nil
	})
}

// keyPlace says where a key is.
func keyPlace(k identity.Key) string {
	if slot := k.Slot(); slot != "" {
		return fmt.Sprintf("slot %s of YubiKey %d", slot, k.Card)
	}
	return "in the keystore"
}

func identityRotateCommand(k *kingpin.CmdClause, a *app.App) app.Verb {
	var dir string
	var f keyFlags
	c := k.Command("rotate", "Make the next key: it is published now, and signs a day later, when AWS has learnt of it.")
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
	c := k.Command("publish", "Write the files to publish once more.")
	bindDir(c, &dir)
	return identityVerb(a, c, "identity publish", func(_ context.Context, s *app.Session, i identitySection) error {
		return publish(a, s, i.name, i.issuer, dir)
	})
}

func identityRemoveCommand(k *kingpin.CmdClause, a *app.App) app.Verb {
	var force bool
	c := k.Command("remove", "Forget the keys of an identity here. What is on a hardware key stays there.")
	c.Flag("force", "Do not ask.").Short('f').BoolVar(&force)
	return identityVerb(a, c, "identity remove", func(ctx context.Context, s *app.Session, i identitySection) error {
		if !force {
			yes, err := a.Confirm(ctx, s.Locks, i.name, fmt.Sprintf("Forget the keys of identity %q?", i.name))
			if err != nil || !yes {
				return err
			}
		}
		if err := s.Identities().Remove(ctx, i.name); err != nil {
			return err
		}
		a.Print("Forgot the keys of identity %s. Its section in %s stays; take %s out of IAM, too.\n", i.name, a.Env.ConfigFile().Name, i.issuer)
		return nil
	})
}
