// Package keys has the commands that store, list, rotate and remove access keys, and the commands for
// sessions and keystores.
package keys

import (
	"context"
	"fmt"

	"github.com/alecthomas/kingpin/v2"
	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/cli/app"
	"aws-vault/cli/ui"
	"aws-vault/prompt"
	"aws-vault/vault/printable"
	"aws-vault/vault/profile"
)

type addFlags struct {
	name              string
	env, stdin, force bool
	addConfig         bool
}

func AddCommand(k *kingpin.Application, a *app.App) []app.Verb {
	var f addFlags
	c := k.Command("add", "Store an access key for a profile.").HelpLong(app.Examples(
		"Prompt for the access key, and store it for the profile work.", "aws-vault add work",
		"Create an access key, and store it without showing it.", "aws iam create-access-key | aws-vault add --stdin work"))
	c.Arg("profile", "Name to store the key under.").Required().StringVar(&f.name)
	c.Flag("env", "Read the key from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.").BoolVar(&f.env)
	c.Flag("stdin", "Read the key from stdin: the ID and the secret on two lines, or the JSON output of aws iam create-access-key.").BoolVar(&f.stdin)
	c.Flag("force", "Replace a stored key without a confirmation.").Short('f').BoolVar(&f.force)
	c.Flag("add-config", "Do not add the profile to the config file.").Default("true").BoolVar(&f.addConfig)
	return []app.Verb{{Command: c, Effect: "stores a long-lived key", Run: func(ctx context.Context) error { return add(ctx, a, f) }}}
}

// A hasSourceError reports that a profile has the setting source_profile. A key for this profile would never be used.
type hasSourceError struct {
	name, source string
	origin       profile.Origin
}

func (e *hasSourceError) Error() string {
	return fmt.Sprintf("%s: profile %s uses the credentials of source_profile %s, so a key stored under this name would not be used", e.origin, e.name, e.source)
}

func add(ctx context.Context, a *app.App, f addFlags) error {
	if f.env && f.stdin {
		return &app.UsageError{Text: "--env and --stdin cannot be used together"}
	}
	s, err := a.Open(ctx, "add "+f.name)
	if err != nil {
		return err
	}
	p, err := s.Config.Resolve(f.name, s.Inputs)
	if err != nil {
		return err
	}
	if p.Source != nil {
		return &hasSourceError{f.name, p.Source.Name, p.Value("source_profile").Origin}
	}
	ctx, lock, err := lockKeys(ctx, s, "the key of "+f.name)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := s.Keystore.Keys.Check(ctx); err != nil { // report an unusable keystore before the user types a secret
		return err
	}
	if ok, err := confirmReplace(ctx, a, s, f); err != nil || !ok {
		return err
	}
	key, serial, err := newKey(ctx, a, s, f)
	if err != nil {
		return err
	}
	if err := s.Keys.Put(ctx, f.name, key); err != nil {
		return err
	}
	if err := s.RememberKeystore(); err != nil {
		a.Warn(err)
	}
	a.Print("Added credentials to profile %s in vault (keystore %s)\n", printable.Quote(f.name), s.Keystore.Name)
	if s.Keystore.Name == "keyctl" {
		a.Note("the kernel keyring loses this key when the computer restarts")
	}
	n, err := removeSessions(ctx, s, f.name)
	if n > 0 {
		a.Print("Deleted %s.\n", ui.Count(n, "existing session"))
	}
	if err != nil {
		return err
	}
	return addToConfig(ctx, a, s, f, serial)
}

// confirmReplace asks the user whether to replace the stored key, and reports the answer. If the key comes from --env
// or --stdin and no prompt is possible, confirmReplace returns true.
func confirmReplace(ctx context.Context, a *app.App, s *app.Session, f addFlags) (bool, error) {
	_, stored, err := s.Keys.Fingerprint(ctx, f.name)
	if err != nil || !stored || f.force {
		return err == nil, err
	}
	if (f.env || f.stdin) && !canAsk(a) {
		return true, nil
	}
	return a.Confirm(ctx, s.Locks, f.name, fmt.Sprintf("An access key is already stored for profile %s. Replace it?", printable.Quote(f.name)))
}

func canAsk(a *app.App) bool {
	return a.CanAsk(prompt.Options{}) == nil
}

// newKey returns the key from the environment, from stdin or from prompts. If it prompts, it also returns the serial
// number of an MFA device, or an empty string.
func newKey(ctx context.Context, a *app.App, s *app.Session, f addFlags) (key aws.Credentials, serial string, err error) {
	switch {
	case f.env:
		key, err = keyFromEnvironment(a)
	case f.stdin:
		key, err = readKey(a.Env.Stdin)
	default:
		return promptKey(ctx, a, s, f)
	}
	if err == nil {
		err = checkKey(key)
	}
	return key, "", err
}

func promptKey(ctx context.Context, a *app.App, s *app.Session, f addFlags) (key aws.Credentials, serial string, err error) {
	ask := func(kind prompt.Kind, text string) (answer string) {
		if err == nil {
			answer, err = a.Ask(ctx, s.Locks, prompt.Request{Kind: kind, Profile: f.name, Text: text})
		}
		return answer
	}
	key.AccessKeyID = ask(prompt.Line, "Enter Access Key ID")
	if err == nil {
		err = checkKeyID(key.AccessKeyID)
	}
	key.SecretAccessKey = ask(prompt.Secret, "Enter Secret Access Key")
	if err == nil {
		err = checkKey(key)
	}
	if f.addConfig {
		serial = ask(prompt.Line, "Enter MFA Device ARN (If MFA is not enabled, leave this blank)")
	}
	return key, serial, err
}

// addToConfig adds the profile to the config file. If the profile exists, addToConfig only sets its MFA device.
func addToConfig(ctx context.Context, a *app.App, s *app.Session, f addFlags, serial string) error {
	if !f.addConfig || s.Config.Has(f.name) && serial == "" {
		return nil
	}
	var settings []profile.Setting
	if serial != "" {
		settings = []profile.Setting{{Name: "mfa_serial", Value: serial}}
	}
	return a.Env.ConfigFile().Edit(ctx, s.Locks, func(c *profile.File) ([]byte, error) {
		return profile.WithProfile(c, f.name, settings)
	})
}
