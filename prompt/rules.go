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
	maxAnswer = 4 << 10 // bytes; longer than any secret that AWS or a keystore has
)

// A prompter holds the rules that are the same whoever asks: what is an answer, and when to ask again.
type prompter struct {
	env      Env
	driver   Driver
	fallback func() (Driver, error) // who asks what the driver cannot, because it is a device
	lock     mutex.Mutex            // withKind who asks: questions must not overlap
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

// An asker is a driver at work.
type asker struct {
	env    Env
	driver Driver
}

// askOnce puts the question once.
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

// askCode asks until it has six digits. A device is asked once: it would say the same again.
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
		// Authenticators show a code in two groups of three, and people type what they see.
		if code := removeSpaces(answer); isCode(code) {
			return code, nil
		}
		r.RetryReason = "a code is six digits"
	}
	return "", &CodeFormatError{Driver: a.driver.Name, Tries: tries}
}

// askNewPassphrase asks twice until both answers agree.
func (a asker) askNewPassphrase(ctx context.Context, r Request) (string, error) {
	again := r
	again.Text, again.RetryReason = r.Text+" (again)", ""
	for range maxTries {
		first, err := a.askOnce(ctx, r)
		if err != nil {
			return "", err
		}
		if first == "" {
			r.RetryReason = "an empty passphrase protects nothing"
			continue
		}
		second, err := a.askOnce(ctx, again)
		if err != nil {
			return "", err
		}
		if first == second {
			return first, nil
		}
		r.RetryReason = "the two differ"
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

// isCode says whether s is what AWS takes as a TokenCode.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html
func isCode(s string) bool {
	return len(s) == 6 && strings.Trim(s, "0123456789") == ""
}

// isYes says whether s, typed by a person, is a yes.
func isYes(s string) bool {
	s = strings.ToLower(strings.TrimSpace(s))
	return s == "y" || s == "yes"
}

// confirmAnswer is a Confirm's answer.
func confirmAnswer(y bool) string {
	if y {
		return "y"
	}
	return ""
}

// A CodeFormatError is returned when what was given for a code never was one. It does not hold what it was.
type CodeFormatError struct {
	Driver string
	Tries  int
}

func (e *CodeFormatError) Error() string {
	if e.Tries == 1 {
		return e.Driver + ": the answer is not a code, want six digits"
	}
	return fmt.Sprintf("%s: none of %d answers is a code, want six digits", e.Driver, e.Tries)
}

// A NewPassphraseError is returned when no new passphrase came about.
type NewPassphraseError struct {
	Driver string
	Tries  int
	Why    string // what was wrong with the last one
}

func (e *NewPassphraseError) Error() string {
	return fmt.Sprintf("%s: no new passphrase after %d tries: %s", e.Driver, e.Tries, e.Why)
}

// A TooLongError is returned for an answer that is too long to be one. All of it has been read.
type TooLongError struct {
	Driver string
	Limit  int // bytes
}

func (e *TooLongError) Error() string {
	return fmt.Sprintf("%s: the answer is longer than %d bytes", e.Driver, e.Limit)
}
