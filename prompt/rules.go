package prompt

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"unicode"

	"aws-vault/vault/mutex"
)

const (
	maxTries  = 3
	maxAnswer = 4 << 10 // maximum length in bytes; no secret of AWS or of a keystore is longer
)

// A prompter applies the rules that are the same for all drivers: which answers are valid, and when the user is
// asked again.
type prompter struct {
	env      Env
	driver   Driver
	fallback func() (Driver, error) // returns the driver for requests that a device cannot answer
	lock     mutex.Mutex            // held during a prompt, so that only one prompt is open
}

func newPrompter(env Env, d Driver, fallback func() (Driver, error)) *prompter {
	p := &prompter{env: env, driver: d, lock: mutex.New()}
	if fallback != nil {
		p.fallback = sync.OnceValues(fallback)
	}
	return p
}

func (p *prompter) Ask(ctx context.Context, r Request) (string, error) {
	unlock, err := p.lock.Lock(ctx)
	if err != nil {
		return "", contextError(ctx)
	}
	defer unlock()
	if ctx.Err() != nil {
		return "", contextError(ctx)
	}
	d := p.driver
	if d.Device && r.Kind != Code {
		if d, err = p.fallback(); err != nil {
			return "", err
		}
	}
	a := asker{p.env, d}
	switch {
	case r.Kind == Code:
		return a.askCode(ctx, r)
	case r.Kind == Passphrase && r.New:
		return a.askNewPassphrase(ctx, r)
	}
	return a.askOnce(ctx, r)
}

// An asker asks questions with one driver.
type asker struct {
	env    Env
	driver Driver
}

// askOnce asks the question once and checks the length of the answer.
func (a asker) askOnce(ctx context.Context, r Request) (string, error) {
	answer, err := a.driver.Ask(ctx, a.env, r)
	switch {
	case errors.Is(err, ErrCancelled):
		return "", err
	case err != nil && ctx.Err() != nil:
		return "", contextError(ctx)
	case err != nil:
		return "", fmt.Errorf("%s: %w", a.driver.Name, err)
	case len(answer) > maxAnswer:
		return "", &TooLongError{Driver: a.driver.Name, Limit: maxAnswer}
	}
	return answer, nil
}

// askCode asks up to maxTries times, until the answer has six digits. It asks a device only once, because the
// device's answer would be the same again.
func (a asker) askCode(ctx context.Context, r Request) (string, error) {
	tries := maxTries
	if a.driver.Device {
		tries = 1
	}
	for range tries {
		answer, err := a.askOnce(ctx, r)
		if err != nil {
			return "", err
		}
		// Authenticator apps show a code as two groups of three digits, so users may type a space between the groups.
		if code := removeSpaces(answer); isCode(code) {
			return code, nil
		}
		r.RetryReason = "enter the six digits of the code"
	}
	return "", &CodeFormatError{Driver: a.driver.Name, Tries: tries}
}

// askNewPassphrase asks for the passphrase twice. If the two answers differ, it starts again, up to maxTries times.
func (a asker) askNewPassphrase(ctx context.Context, r Request) (string, error) {
	again := r
	again.Text, again.RetryReason = r.Text+" (again)", ""
	for range maxTries {
		first, err := a.askOnce(ctx, r)
		if err != nil {
			return "", err
		}
		if first == "" {
			r.RetryReason = "the passphrase must not be empty"
			continue
		}
		second, err := a.askOnce(ctx, again)
		if err != nil {
			return "", err
		}
		if first == second {
			return first, nil
		}
		r.RetryReason = "the passphrases do not match"
	}
	return "", &NewPassphraseError{Driver: a.driver.Name, Tries: maxTries, Why: r.RetryReason}
}

func removeSpaces(s string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsSpace(c) {
			return -1
		}
		return c
	}, s)
}

// isCode reports whether AWS accepts s as a TokenCode.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html
func isCode(s string) bool {
	return len(s) == 6 && strings.Trim(s, "0123456789") == ""
}

func isYes(s string) bool {
	s = strings.ToLower(strings.TrimSpace(s))
	return s == "y" || s == "yes"
}

// confirmAnswer returns the answer to a request of the kind Confirm. The argument y states whether the user confirmed.
func confirmAnswer(y bool) string {
	if y {
		return "y"
	}
	return ""
}

// A CodeFormatError reports that no answer was a code of six digits. It does not contain the answers.
type CodeFormatError struct {
	Driver string
	Tries  int
}

func (e *CodeFormatError) Error() string {
	if e.Tries == 1 {
		return e.Driver + ": the answer is not a code, expected six digits"
	}
	return fmt.Sprintf("%s: none of the %d answers is a code, expected six digits", e.Driver, e.Tries)
}

// A NewPassphraseError reports that the user did not choose a valid new passphrase.
type NewPassphraseError struct {
	Driver string
	Tries  int
	Why    string // what was wrong with the last answer
}

func (e *NewPassphraseError) Error() string {
	return fmt.Sprintf("%s: no new passphrase after %d tries: %s", e.Driver, e.Tries, e.Why)
}

// A TooLongError reports that the answer is too long. The rest of the answer was read too, and discarded.
type TooLongError struct {
	Driver string
	Limit  int // maximum length in bytes
}

func (e *TooLongError) Error() string {
	return fmt.Sprintf("%s: the answer is longer than %d bytes", e.Driver, e.Limit)
}
