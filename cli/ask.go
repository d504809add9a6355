package cli

import (
	"context"
	"fmt"

	"aws-vault/prompt"
	"aws-vault/vault/keystore"
	"aws-vault/vault/plan"
	"aws-vault/vault/source"
	"aws-vault/vault/store"
)

// passphraseVariable holds the file keystore's passphrase, for those who cannot be asked.
const passphraseVariable = "AWS_VAULT_FILE_PASSPHRASE"

// ask puts one question to the user. One process asks at a time.
func (a *app) ask(ctx context.Context, locks *store.Locks, r prompt.Request) (string, error) {
	return a.askBy(ctx, locks, a.globals.prompt, r)
}

// confirm asks for a yes that --force gives beforehand.
func (a *app) confirm(ctx context.Context, locks *store.Locks, profile, question string) (bool, error) {
	yes, err := a.ask(ctx, locks, prompt.Request{Kind: prompt.Confirm, Profile: profile, Text: question})
	if err != nil {
		return false, &confirmError{err}
	}
	return yes != "", nil
}

// A confirmError is what kept a yes from coming.
type confirmError struct{ err error }

func (e *confirmError) Error() string { return e.err.Error() }

func (e *confirmError) Unwrap() error { return e.err }

// askBy asks by way of a driver; empty for the first that works.
func (a *app) askBy(ctx context.Context, locks *store.Locks, driver string, r prompt.Request) (string, error) {
	p, err := prompt.Choose(a.env.Prompt, driver, prompt.Options{TerminalBusy: a.env.Programs.Busy()})
	if err != nil {
		return "", err
	}
	// Who waits for a security key with the turn to ask would keep those from asking who have the key.
	if d, _ := prompt.Named(driver); !d.NoTurn || r.Kind != prompt.Code {
		under, lock, err := locks.Alone(ctx, "prompt", r.Text)
		if err != nil {
			return "", err
		}
		defer lock.Close()
		ctx = under
	}
	locks.Asking(r.Text)
	if a.serves {
		r.Program = a.env.Caller()
	}
	return p.Ask(ctx, r)
}

// reach returns nil if a person can be asked what a step asks while a command has the
// terminal, and otherwise why not. After a sign-in with a browser, the user may have to
// confirm who has signed in.
func (a *app) reach(signIn signInFlags) func(plan.Step) error {
	return func(s plan.Step) error {
		browses := s.Kind == plan.KindSSO || s.Kind == plan.KindOIDC
		if browses && a.person(signIn).Browse == nil {
			return errNoBrowser
		}
		if browses && a.env.Peers.Tells("tcp") {
			return nil
		}
		_, err := prompt.Choose(a.env.Prompt, a.globals.prompt, prompt.Options{TerminalBusy: true})
		return err
	}
}

// confirmSignIn asks whether it is this user who has signed in.
func (a *app) confirmSignIn(locks *store.Locks) func(context.Context, string) (bool, error) {
	return func(ctx context.Context, question string) (bool, error) {
		yes, err := a.ask(ctx, locks, prompt.Request{Kind: prompt.Confirm, Text: question})
		return yes != "", err
	}
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

// reads reports whether a device answers, and no person.
func (a *app) reads(q source.Question) bool {
	d, _ := prompt.Named(a.codeDriver(q))
	return d.Device
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
			if ask.New {
				return a.givenPassphrase(p), nil
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
		ctx, lock, err := locks.Alone(ctx, "unlock", "the passphrase of "+a.tilde(ask.Dir))
		if err != nil {
			return "", err
		}
		defer lock.Close()
		if ask.New {
			return a.choosePassphrase(ctx, locks, r)
		}
		return a.ask(ctx, locks, r)
	}
}
