package cli

import (
	"context"
	"fmt"

	"github.com/alecthomas/kingpin/v2"
	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/prompt"
	"aws-vault/vault/profile"
)

type addFlags struct {
	name              string
	env, stdin, force bool
	addConfig         bool
}

func addCommand(k *kingpin.Application, a *app) {
	var f addFlags
	c := k.Command("add", "Store an access key for a profile.")
	c.Arg("profile", "The name to store the key under.").Required().StringVar(&f.name)
	c.Flag("env", "Take the key from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.").BoolVar(&f.env)
	c.Flag("stdin", "Take the key from stdin: its id and its secret, a line each, or JSON of aws iam create-access-key.").BoolVar(&f.stdin)
	c.Flag("force", "Replace a stored key without asking.").Short('f').BoolVar(&f.force)
	c.Flag("add-config", "Leave the config file alone, to which the profile is added otherwise.").Default("true").BoolVar(&f.addConfig)
	a.action(c, verb{does: "stores a long-lived key", run: func(ctx context.Context) error { return a.add(ctx, f) }})
}

// A hasSourceError is a key that would not be used.
type hasSourceError struct {
	name, source string
	origin       profile.Origin
}

func (e *hasSourceError) Error() string {
	return fmt.Sprintf("%s: profile %s takes its credentials from source_profile %s, want a profile that holds a key itself", e.origin, e.name, e.source)
}

func (a *app) add(ctx context.Context, f addFlags) error {
	if f.env && f.stdin {
		return &usageError{"--env and --stdin say two places, want one"}
	}
	s, err := a.open(ctx, "add "+f.name, nil, "")
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
	if err := s.keystore.Keys.Check(ctx); err != nil { // before the user types a secret in vain
		return err
	}
	if ok, err := a.mayReplace(ctx, s, f); err != nil || !ok {
		return err
	}
	key, serial, err := a.newKey(ctx, s, f)
	if err != nil {
		return err
	}
	if err := s.Keys.Put(ctx, f.name, key); err != nil {
		return err
	}
	if err := s.remember(); err != nil {
		a.warn(err)
	}
	a.print("Added credentials to profile %q in vault (keystore %s)\n", f.name, s.keystore.Name)
	if s.keystore.Name == "keyctl" {
		a.note("the kernel forgets this key when the computer is started anew")
	}
	n, err := s.forget(ctx, f.name)
	if n > 0 {
		a.print("Deleted %s.\n", count(n, "existing session"))
	}
	if err != nil {
		return err
	}
	return a.addToConfig(ctx, s, f, serial)
}

// mayReplace asks before a stored key is replaced, where there is somebody to ask.
func (a *app) mayReplace(ctx context.Context, s *session, f addFlags) (bool, error) {
	_, stored, err := s.Keys.Fingerprint(ctx, f.name)
	if err != nil || !stored || f.force {
		return err == nil, err
	}
	if (f.env || f.stdin) && !a.canAsk() {
		return true, nil
	}
	return a.confirm(ctx, s.locks, f.name, fmt.Sprintf("A key is stored for profile %q. Replace it?", f.name))
}

func (a *app) canAsk() bool {
	_, err := prompt.Choose(a.env.Prompt, a.globals.prompt, prompt.Options{})
	return err == nil
}

// newKey gets the key, and with a person the MFA device too.
func (a *app) newKey(ctx context.Context, s *session, f addFlags) (key aws.Credentials, serial string, err error) {
	switch {
	case f.env:
		key, err = a.keyFromEnvironment()
	case f.stdin:
		key, err = readKey(a.env.Stdin)
	default:
		return a.keyFromPerson(ctx, s, f)
	}
	if err == nil {
		err = checkKey(key)
	}
	return key, "", err
}

func (a *app) keyFromPerson(ctx context.Context, s *session, f addFlags) (key aws.Credentials, serial string, err error) {
	ask := func(kind prompt.Kind, text string) (answer string) {
		if err == nil {
			answer, err = a.ask(ctx, s.locks, prompt.Request{Kind: kind, Profile: f.name, Text: text})
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

// addToConfig writes the profile, or the MFA device of one that is there.
func (a *app) addToConfig(ctx context.Context, s *session, f addFlags, serial string) error {
	if !f.addConfig || s.Config.Has(f.name) && serial == "" {
		return nil
	}
	var settings []profile.Setting
	if serial != "" {
		settings = []profile.Setting{{Name: "mfa_serial", Value: serial}}
	}
	return a.config().Edit(ctx, s.locks, func(c *profile.File) ([]byte, error) {
		return c.WithProfile(f.name, settings)
	})
}
