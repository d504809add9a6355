// Package mfa has the commands for MFA devices whose codes a security key generates.
package mfa

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/cli/app"
	"aws-vault/cli/ui"
	"aws-vault/prompt"
	"aws-vault/vault/card/oath"
	"aws-vault/vault/enroll"
	"aws-vault/vault/plan"
	"aws-vault/vault/printable"
	"aws-vault/vault/profile"
)

func Command(k *kingpin.Application, a *app.App) []app.Verb {
	c := k.Command("mfa", "Store the secrets of MFA devices on a security key.").HelpLong(app.Examples(
		"Store the secret of the MFA device of the profile work.", "aws-vault mfa enroll work",
		"Print the current code of that device.", "aws-vault mfa code work"))
	return []app.Verb{
		mfaEnrollCommand(c, a),
		mfaCodeCommand(c, a),
		mfaListCommand(c, a),
	}
}

type mfaFlags struct {
	profile, serial, create string
	stdin, touch, pair      bool
}

// bindDeviceFlags adds the flags and the argument that name the MFA device.
func (f *mfaFlags) bindDeviceFlags(c *kingpin.CmdClause) {
	c.Arg("profile", "Profile whose mfa_serial names the device.").Envar("AWS_PROFILE").StringVar(&f.profile)
	c.Flag("serial", "ARN of the device. Default: mfa_serial of the profile.").PlaceHolder("ARN").StringVar(&f.serial)
}

func mfaEnrollCommand(k *kingpin.CmdClause, a *app.App) app.Verb {
	var f mfaFlags
	c := k.Command("enroll", "Store the secret of an MFA device on the security key, or create a device at AWS and store its secret only on the security key.").HelpLong(app.Examples(
		"Prompt for the secret that AWS shows, and store it.", "aws-vault mfa enroll work",
		"Create the MFA device alice-key at AWS, and store its secret.", "aws-vault mfa enroll --create alice-key work"))
	f.bindDeviceFlags(c)
	c.Flag("create", "Create and enable a device with this name for the IAM user of the profile.").PlaceHolder("NAME").StringVar(&f.create)
	c.Flag("stdin", "Read the secret from stdin instead of prompting for it.").BoolVar(&f.stdin)
	c.Flag("touch", "Let the security key show codes without a touch.").Default("true").BoolVar(&f.touch)
	return app.Verb{Command: c, Effect: "changes the user's MFA devices", Run: func(ctx context.Context) error { return mfaEnroll(ctx, a, f) }}
}

func mfaCodeCommand(k *kingpin.CmdClause, a *app.App) app.Verb {
	var f mfaFlags
	c := k.Command("code", "Print the current code of an MFA device.").HelpLong(app.Examples(
		"Print the code of the device of the profile work.", "aws-vault mfa code work",
		"Print the two codes that AWS requests to enable a device.", "aws-vault mfa code --pair work"))
	f.bindDeviceFlags(c)
	c.Flag("pair", "Print two consecutive codes, which AWS requires to enable or resynchronize a device.").BoolVar(&f.pair)
	return app.Verb{Command: c, Effect: "shows an MFA code of the user", Run: func(ctx context.Context) error {
		return withDevice(ctx, a, "mfa code", f, func(serial string, asker app.Asker) error {
			if f.pair {
				first, second, err := authenticator{App: a, asker: asker}.CodePair(ctx, serial)
				if err == nil {
					a.Print("%s\n%s\n", first, second)
				}
				return err
			}
			code, err := asker.KeyCode(ctx, serial)
			if err == nil {
				a.Print("%s\n", code)
			}
			return err
		})
	}}
}

func mfaListCommand(k *kingpin.CmdClause, a *app.App) app.Verb {
	c := k.Command("list", "List the TOTP accounts on the security key.").HelpLong(app.Examples(
		"List the accounts on the connected security key.", "aws-vault mfa list",
		"List the accounts on one of several security keys.", "aws-vault mfa list --card 12345678"))
	return app.Verb{Command: c, Effect: "shows the user's MFA devices", Run: func(ctx context.Context) error {
		locks, _, err := a.Locks("mfa list")
		if err != nil {
			return err
		}
		return a.Asker(locks).WithAccounts(ctx, func(k *oath.Key) error { return listAccounts(a, k) })
	}}
}

func listAccounts(a *app.App, k *oath.Key) error {
	accounts, err := k.Accounts()
	if err != nil {
		return err
	}
	touched, err := k.TouchRequired()
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(a.Env.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ACCOUNT\tCODE")
	for _, account := range accounts {
		how := "at once"
		switch {
		case !account.Timed:
			how = "counter-based (HOTP), which AWS does not accept"
		case touched[account.Name]:
			how = "when touched"
		}
		fmt.Fprintf(w, "%s\t%s\n", ui.Cell(account.Name), how)
	}
	return w.Flush()
}

// A noDeviceError reports that a profile has no MFA device.
type noDeviceError struct{ profile string }

func (e *noDeviceError) Error() string {
	return fmt.Sprintf("profile %s has no mfa_serial, expected one or --serial", printable.Quote(e.profile))
}

// withDevice calls the function do with the serial number of the selected MFA device. It does not open the keystore.
func withDevice(ctx context.Context, a *app.App, purpose string, f mfaFlags, do func(serial string, asker app.Asker) error) error {
	locks, _, err := a.Locks(purpose)
	if err != nil {
		return err
	}
	serial := f.serial
	if serial == "" {
		config, in, err := a.ReadConfig(nil)
		if err != nil {
			return err
		}
		if f.profile == "" {
			return &app.UsageError{Text: "no MFA device given: expected --serial or a profile"}
		}
		p, err := config.Resolve(f.profile, in)
		if err != nil {
			return err
		}
		if serial = p.Text("mfa_serial"); serial == "" {
			return &noDeviceError{f.profile}
		}
	}
	return do(serial, a.Asker(locks))
}

func mfaEnroll(ctx context.Context, a *app.App, f mfaFlags) error {
	switch {
	case f.create != "" && (f.serial != "" || f.stdin):
		return &app.UsageError{Text: "--create cannot be combined with --serial or --stdin: the new device has a new serial and secret"}
	case f.create != "":
		return mfaCreate(ctx, a, f)
	}
	return withDevice(ctx, a, "mfa enroll", f, func(serial string, asker app.Asker) error {
		k := authenticator{App: a, asker: asker, touch: f.touch}
		if err := k.CheckAvailable(ctx, serial); err != nil { // report an existing account before the user types the secret
			return err
		}
		secret, err := readSecret(ctx, a, f, serial, asker)
		if err != nil {
			return err
		}
		if err := k.Put(ctx, serial, secret); err != nil {
			return err
		}
		a.Print("Stored the secret of %s on the security key.\n", serial)
		a.Note("AWS asks for two consecutive codes; to print them: aws-vault mfa code --pair --serial %s", ui.QuoteWord(serial))
		return nil
	})
}

// maxSecret limits the secret that is read from stdin, in bytes.
const maxSecret = 4 << 10

func readSecret(ctx context.Context, a *app.App, f mfaFlags, serial string, asker app.Asker) ([]byte, error) {
	if f.stdin {
		return app.ReadText(a.Env.Stdin, maxSecret)
	}
	text, err := asker.Ask(ctx, prompt.Request{Kind: prompt.Secret, Device: serial, Text: "Secret key shown by AWS for " + serial})
	return []byte(text), err
}

// mfaCreate creates an MFA device at AWS and adds the device to the profile.
func mfaCreate(ctx context.Context, a *app.App, f mfaFlags) error {
	t, err := a.Begin(ctx, app.Request{Verb: "mfa enroll", Flags: &app.CredentialFlags{Profile: f.profile}, For: plan.Rotate})
	if err != nil {
		return err
	}
	s := t.Session
	pl, err := s.Plan(ctx, t.Profile, t.Options)
	if err != nil {
		return err
	}
	e := enroll.Enrollment{Vault: s.Vault, Plan: pl, Options: t.Options, Authenticator: authenticator{App: a, asker: a.Asker(s.Locks), touch: f.touch}}
	serial, err := e.Run(ctx, f.create)
	if err != nil {
		return err
	}
	a.Print("Created and enabled %s. Its secret is stored only on the security key.\n", serial)
	return setDevice(ctx, a, s, pl.Steps[0].Profile, serial)
}

// setDevice adds the MFA device to the profile of the access key. If the profile has an MFA device, setDevice changes
// nothing.
func setDevice(ctx context.Context, a *app.App, s *app.Session, name, serial string) error {
	p, err := s.Config.Resolve(name, s.Inputs)
	if err != nil {
		return err
	}
	if p.Set("mfa_serial") {
		a.Note("profile %s already has an mfa_serial, which was not changed: %s", name, strings.TrimSpace(p.Text("mfa_serial")))
		return nil
	}
	settings := []profile.Setting{{Name: "mfa_serial", Value: serial}, {Name: "mfa_device", Value: "yubikey"}}
	return a.Env.ConfigFile().Edit(ctx, s.Locks, func(c *profile.File) ([]byte, error) {
		return profile.WithProfile(c, name, settings)
	})
}
