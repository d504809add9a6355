package app

import (
	"context"
	"fmt"

	"aws-vault/cli/hint"
	"aws-vault/prompt"
	"aws-vault/vault/plan"
	"aws-vault/vault/printable"
	"aws-vault/vault/source"
	"aws-vault/vault/store"
)

// An Asker shows the prompts of one command. Only one process at a time prompts the user. Other processes wait.
type Asker struct {
	app   *App
	locks *store.Locks

	// forProgram reports whether another program reads the command's output. If so, prompts name that program, because
	// the user may not know why aws-vault prompts them.
	forProgram bool
}

// Asker returns an Asker for a command that the user started. Its prompts do not name a calling program.
func (a *App) Asker(locks *store.Locks) Asker { return Asker{app: a, locks: locks} }

// Ask shows one prompt and returns the answer. It returns prompt.ErrCancelled if the user cancels.
func (a *App) Ask(ctx context.Context, locks *store.Locks, r prompt.Request) (string, error) {
	return a.Asker(locks).Ask(ctx, r)
}

// Confirm asks a yes-or-no question and reports whether the user agreed. It wraps each error of the prompt in a
// [*hint.ConfirmError].
func (a *App) Confirm(ctx context.Context, locks *store.Locks, profile, question string) (bool, error) {
	yes, err := a.Ask(ctx, locks, prompt.Request{Kind: prompt.Confirm, Profile: profile, Text: question})
	if err != nil {
		return false, &hint.ConfirmError{Err: err}
	}
	return yes != "", nil
}

// Ask shows one prompt and returns the answer. It returns prompt.ErrCancelled if the user cancels.
func (q Asker) Ask(ctx context.Context, r prompt.Request) (string, error) {
	return q.askWith(ctx, q.app.Globals.Prompt, r)
}

// askWith prompts with the driver that the parameter driver names. If driver is empty, askWith uses the first
// driver that works.
func (q Asker) askWith(ctx context.Context, driver string, r prompt.Request) (string, error) {
	p, err := prompt.Choose(q.env(), driver, prompt.Options{TerminalBusy: q.app.Env.Programs.TerminalBusy()})
	if err != nil {
		return "", err
	}
	// A driver that reads codes from a security key must not hold the lock for prompts. Another process may be
	// using the security key and may need that lock to prompt for the PIN. Both processes would then wait for each
	// other.
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

// noteAction prints what the user must do now, such as touch a security key. If another program reads stderr,
// noteAction writes to the terminal, because the user may not see stderr.
func (q Asker) noteAction(ctx context.Context, what string) {
	if q.forProgram && !q.app.Env.StderrTerminal {
		if tty, err := q.app.Env.Prompt.OpenTTY(); err == nil {
			defer tty.Close()
			if tty.Write(ctx, "aws-vault: "+printable.Line(what)+"\r\n") == nil {
				return
			}
		}
	}
	q.app.Note("%s", what)
}

// env returns the environment for prompts. Its function KeyCode reads codes from a security key.
func (q Asker) env() prompt.Env {
	env := q.app.Env.Prompt
	env.KeyCode = q.KeyCode
	return env
}

// CanAsk returns nil if the user can be prompted. Otherwise it returns an error with the reason.
func (a *App) CanAsk(o prompt.Options) error {
	_, err := prompt.Choose(a.Asker(nil).env(), a.Globals.Prompt, o)
	return err
}

// canAskFor returns nil if a step can prompt the user while a command uses the terminal. Otherwise it returns an
// error with the reason. A sign-in with a browser needs no prompt if this system can identify the owner of a TCP
// connection. On other systems the user must confirm who has signed in, which needs a prompt.
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

// confirmSignIn asks the user whether the identity that has signed in is theirs.
func (q Asker) confirmSignIn(ctx context.Context, question string) (bool, error) {
	yes, err := q.Ask(ctx, prompt.Request{Kind: prompt.Confirm, Text: question})
	return yes != "", err
}

// codePrompt returns a function that provides MFA codes. The parameter given is the code of --mfa-token, or an empty
// string. If it is empty, the function prompts for each code. Otherwise the function returns the code of
// --mfa-token. If a second code is needed, the function returns an error.
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

// codeDriver returns the prompt driver for an MFA code: the driver of --prompt, or the driver that the profile names.
func codeDriver(a *App, q source.Question) string {
	if a.Globals.Prompt != "" {
		return a.Globals.Prompt
	}
	return q.Device
}

// deviceAnswers reports whether a device provides the code without prompting the user.
func deviceAnswers(a *App, q source.Question) bool {
	d, _ := prompt.Named(codeDriver(a, q))
	return d.Device
}

// A codeFlagError reports that the MFA code of --mfa-token cannot be used.
type codeFlagError struct{ why string }

func (e *codeFlagError) Error() string {
	return "the code of --mfa-token was not accepted: " + e.why
}
