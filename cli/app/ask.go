package app

import (
	"context"
	"fmt"

	"aws-vault/cli/envvar"
	"aws-vault/cli/hint"
	"aws-vault/prompt"
	"aws-vault/vault/keystore"
	"aws-vault/vault/plan"
	"aws-vault/vault/source"
	"aws-vault/vault/store"
)

// Ask puts one question to the user. One process asks at a time.
func (a *App) Ask(ctx context.Context, locks *store.Locks, r prompt.Request) (string, error) {
	return a.askBy(ctx, locks, a.Globals.Prompt, r)
}

// Confirm asks for a yes that --force gives beforehand.
func (a *App) Confirm(ctx context.Context, locks *store.Locks, profile, question string) (bool, error) {
	yes, err := a.Ask(ctx, locks, prompt.Request{Kind: prompt.Confirm, Profile: profile, Text: question})
	if err != nil {
		return false, &hint.ConfirmError{Err: err}
	}
	return yes != "", nil
}

// askBy asks by way of a driver; empty for the first that works.
func (a *App) askBy(ctx context.Context, locks *store.Locks, driver string, r prompt.Request) (string, error) {
	p, err := prompt.Choose(a.Env.Prompt, driver, prompt.Options{TerminalBusy: a.Env.Programs.Busy()})
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
	if a.Serves {
		r.Program = a.Env.Caller()
	}
	return p.Ask(ctx, r)
}

// Reach returns nil if a person can be asked what a step asks while a command has the
// terminal, and otherwise why not. After a sign-in with a browser, the user may have to
// confirm who has signed in.
func (a *App) Reach(signIn SignInFlags) func(plan.Step) error {
	return func(s plan.Step) error {
		browses := s.Kind == plan.KindSSO || s.Kind == plan.KindOIDC
		if browses && a.Env.Person(signIn).Browse == nil {
			return errNoBrowser
		}
		if browses && a.Env.Peers.Tells("tcp") {
			return nil
		}
		_, err := prompt.Choose(a.Env.Prompt, a.Globals.Prompt, prompt.Options{TerminalBusy: true})
		return err
	}
}

// confirmSignIn asks whether it is this user who has signed in.
func confirmSignIn(a *App, locks *store.Locks) func(context.Context, string) (bool, error) {
	return func(ctx context.Context, question string) (bool, error) {
		yes, err := a.Ask(ctx, locks, prompt.Request{Kind: prompt.Confirm, Text: question})
		return yes != "", err
	}
}

// askCode answers with the code that was given as a flag, once, and asks where there is
// none.
func askCode(a *App, locks *store.Locks, given string) func(context.Context, source.Question) (string, error) {
	return func(ctx context.Context, q source.Question) (string, error) {
		if given != "" {
			if q.Again != "" {
				return "", &codeFlagError{q.Again}
			}
			return given, nil
		}
		return a.askBy(ctx, locks, codeDriver(a, q), prompt.Request{
			Kind: prompt.Code, Profile: q.Profile, Device: q.Serial, Again: q.Again,
			Text: fmt.Sprintf("MFA code of %s for profile %s", q.Serial, q.Profile),
		})
	}
}

// codeDriver is the driver that a code is asked of: --prompt, or the device that the profile
// names.
func codeDriver(a *App, q source.Question) string {
	if a.Globals.Prompt != "" {
		return a.Globals.Prompt
	}
	return q.Device
}

// reads reports whether a device answers, and no person.
func reads(a *App, q source.Question) bool {
	d, _ := prompt.Named(codeDriver(a, q))
	return d.Device
}

// A codeFlagError is a code that was given as a flag and did not serve.
type codeFlagError struct{ why string }

func (e *codeFlagError) Error() string {
	return "the code that --mfa-token gave did not serve: " + e.why
}

// askPassphrase answers from the environment, or asks.
func askPassphrase(a *App, locks *store.Locks) func(context.Context, keystore.PassphraseAsk) (string, error) {
	return func(ctx context.Context, ask keystore.PassphraseAsk) (string, error) {
		if p, ok := a.Env.Getenv(envvar.FilePassphrase); ok {
			if ask.Wrong > 0 {
				return "", fmt.Errorf("%w for %s (%s)", keystore.ErrWrongPassphrase, a.Env.Tilde(ask.Dir), envvar.FilePassphrase)
			}
			if ask.New {
				return GivenPassphrase(a, p), nil
			}
			return p, nil
		}
		r := prompt.Request{Kind: prompt.Passphrase, New: ask.New, Text: "Passphrase to unlock " + a.Env.Tilde(ask.Dir)}
		if ask.New {
			r.Text = "New passphrase for " + a.Env.Tilde(ask.Dir)
		}
		if ask.Wrong > 0 {
			r.Again = "That passphrase is wrong"
		}
		ctx, lock, err := locks.Alone(ctx, "unlock", "the passphrase of "+a.Env.Tilde(ask.Dir))
		if err != nil {
			return "", err
		}
		defer lock.Close()
		if ask.New {
			return ChoosePassphrase(ctx, a, locks, r)
		}
		return a.Ask(ctx, locks, r)
	}
}

func (a *App) Asker(locks *store.Locks) AskFunc {
	return func(ctx context.Context, r prompt.Request) (string, error) { return a.Ask(ctx, locks, r) }
}
