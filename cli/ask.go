package cli

import (
	"context"
	"fmt"

	"aws-vault/prompt"
	"aws-vault/vault/keystore"
	"aws-vault/vault/source"
	"aws-vault/vault/store"
)

// passphraseVariable holds the file keystore's passphrase, for those who cannot be asked.
const passphraseVariable = "AWS_VAULT_FILE_PASSPHRASE"

// ask puts one question to the user. One process asks at a time.
func (a *app) ask(ctx context.Context, locks *store.Locks, r prompt.Request) (string, error) {
	return a.askBy(ctx, locks, a.globals.prompt, r)
}

// askBy asks by way of a driver; empty for the first that works.
func (a *app) askBy(ctx context.Context, locks *store.Locks, driver string, r prompt.Request) (string, error) {
	p, err := prompt.Choose(a.env.Prompt, driver, prompt.Options{})
	if err != nil {
		return "", err
	}
	lock, err := locks.Alone(ctx, "prompt", r.Text)
	if err != nil {
		return "", err
	}
	defer lock.Close()
	locks.Asking(r.Text)
	if a.serves {
		r.Program = a.env.Caller()
	}
	return p.Ask(ctx, r)
}

// askCode answers with the code that was given as a flag, once, and asks where there is
// none.
func (a *app) askCode(locks *store.Locks, given string) func(context.Context, source.Question) (string, error) {
	return func(ctx context.Context, q source.Question) (string, error) {
		if given != "" {
			if q.Again != "" {
				return "", &codeFlagError{q.Again}
			}
			return given, nil
		}
		return a.askBy(ctx, locks, a.codeDriver(q), prompt.Request{
			Kind: prompt.Code, Profile: q.Profile, Device: q.Serial, Again: q.Again,
			Text: fmt.Sprintf("MFA code of %s for profile %s", q.Serial, q.Profile),
		})
	}
}

// codeDriver is the driver that a code is asked of: --prompt, or the device that the profile
// names.
func (a *app) codeDriver(q source.Question) string {
	if a.globals.prompt != "" {
		return a.globals.prompt
	}
	return q.Device
}

// A codeFlagError is a code that was given as a flag and did not serve.
type codeFlagError struct{ why string }

func (e *codeFlagError) Error() string {
	return "the code that --mfa-token gave did not serve: " + e.why
}

// askPassphrase answers from the environment, or asks.
func (a *app) askPassphrase(locks *store.Locks) func(context.Context, keystore.PassphraseAsk) (string, error) {
	return func(ctx context.Context, ask keystore.PassphraseAsk) (string, error) {
		if p, ok := a.env.Getenv(passphraseVariable); ok {
			if ask.Wrong > 0 {
				return "", fmt.Errorf("%w for %s (%s)", keystore.ErrWrongPassphrase, a.tilde(ask.Dir), passphraseVariable)
			}
			return p, nil
		}
		r := prompt.Request{Kind: prompt.Passphrase, New: ask.New, Text: "Passphrase to unlock " + a.tilde(ask.Dir)}
		if ask.New {
			r.Text = "New passphrase for " + a.tilde(ask.Dir)
		}
		if ask.Wrong > 0 {
			r.Again = "That passphrase is wrong"
		}
		lock, err := locks.Alone(ctx, "unlock", "the passphrase of "+a.tilde(ask.Dir))
		if err != nil {
			return "", err
		}
		defer lock.Close()
		return a.ask(ctx, locks, r)
	}
}
