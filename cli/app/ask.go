package app

import (
	"context"
	"fmt"

	"aws-vault/cli/hint"
	"aws-vault/prompt"
	"aws-vault/vault/plan"
	"aws-vault/vault/source"
	"aws-vault/vault/store"
)

// An Asker asks the user on behalf of one command and of what the command opens. One process asks at a
// time.
type Asker struct {
	app   *App
	locks *store.Locks

	// forProgram says that a program reads what the command prints: its user may not know why they are asked.
	forProgram bool
}

// Asker asks for a command whose user knows why they are asked.
func (a *App) Asker(locks *store.Locks) Asker { return Asker{app: a, locks: locks} }

// Ask puts one question to the user.
func (a *App) Ask(ctx context.Context, locks *store.Locks, r prompt.Request) (string, error) {
	return a.Asker(locks).Ask(ctx, r)
}

// Confirm asks for a yes that --force gives beforehand.
func (a *App) Confirm(ctx context.Context, locks *store.Locks, profile, question string) (bool, error) {
	yes, err := a.Ask(ctx, locks, prompt.Request{Kind: prompt.Confirm, Profile: profile, Text: question})
	if err != nil {
		return false, &hint.ConfirmError{Err: err}
	}
	return yes != "", nil
}

// Ask puts one question to the user.
func (q Asker) Ask(ctx context.Context, r prompt.Request) (string, error) {
	return q.askWith(ctx, q.app.Globals.Prompt, r)
}

// askWith asks by way of a driver; empty for the first that works.
func (q Asker) askWith(ctx context.Context, driver string, r prompt.Request) (string, error) {
	p, err := prompt.Choose(q.env(), driver, prompt.Options{TerminalBusy: q.app.Env.Programs.TerminalBusy()})
	if err != nil {
		return "", err
	}
	// Who waits for a security key with the turn to ask would keep those from asking who have the key.
	if d, _ := prompt.Named(driver); !d.WithoutPromptLock || r.Kind != prompt.Code {
		under, lock, err := q.locks.Named(ctx, "prompt", r.Text)
		if err != nil {
			return "", err
		}
		defer lock.Close()
		ctx = under
	}
	q.locks.SetQuestion(r.Text)
	if q.forProgram {
		r.Program = q.app.Env.Caller()
	}
	return p.Ask(ctx, r)
}

// env is the world of the prompts, with the security key that the driver for it reads codes from.
func (q Asker) env() prompt.Env {
	env := q.app.Env.Prompt
	env.KeyCode = q.KeyCode
	return env
}

// CanAsk returns nil if a way to ask the user works here, and otherwise why not.
func (a *App) CanAsk(o prompt.Options) error {
	_, err := prompt.Choose(a.Asker(nil).env(), a.Globals.Prompt, o)
	return err
}

// canAskFor returns nil if a person can be asked what a step asks while a command has the
// terminal, and otherwise why not. After a sign-in with a browser, the user may have to
// confirm who has signed in.
func (a *App) canAskFor(signIn SignInFlags, s plan.Step) error {
	usesBrowser := s.Kind == plan.KindSSO || s.Kind == plan.KindOIDC
	if usesBrowser && a.Env.Person(signIn).OpenBrowser == nil {
		return errNoBrowser
	}
	if usesBrowser && a.Env.Peers.CanIdentify("tcp") {
		return nil
	}
	return a.CanAsk(prompt.Options{TerminalBusy: true})
}

// confirmSignIn asks whether it is this user who has signed in.
func (q Asker) confirmSignIn(ctx context.Context, question string) (bool, error) {
	yes, err := q.Ask(ctx, prompt.Request{Kind: prompt.Confirm, Text: question})
	return yes != "", err
}

// codePrompt answers with the code that was given as a flag, once, and asks where there is none.
func (q Asker) codePrompt(given string) func(context.Context, source.Question) (string, error) {
	return func(ctx context.Context, wanted source.Question) (string, error) {
		if given != "" {
			if wanted.RetryReason != "" {
				return "", &codeFlagError{wanted.RetryReason}
			}
			return given, nil
		}
		return q.askWith(ctx, codeDriver(q.app, wanted), prompt.Request{
			Kind: prompt.Code, Profile: wanted.Profile, Device: wanted.Serial, RetryReason: wanted.RetryReason,
			Text: fmt.Sprintf("MFA code of %s for profile %s", wanted.Serial, wanted.Profile),
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

// deviceAnswers reports whether a device answers, and no person.
func deviceAnswers(a *App, q source.Question) bool {
	d, _ := prompt.Named(codeDriver(a, q))
	return d.Device
}

// A codeFlagError is a code that was given as a flag and did not serve.
type codeFlagError struct{ why string }

func (e *codeFlagError) Error() string {
	return "the code that --mfa-token gave did not serve: " + e.why
}
