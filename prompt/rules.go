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
	env    Env
	driver Driver
	other  func() (Driver, error) // who asks what the driver cannot, because it is a device
	turn   mutex.Mutex            // of who asks: questions must not overlap
}

func newPrompter(env Env, d Driver, other func() (Driver, error)) *prompter {
	p := &prompter{env: env, driver: d, turn: mutex.New()}
	if other != nil {
		p.other = sync.OnceValues(other)
	}
	return p
}

func (p *prompter) Ask(ctx context.Context, r Request) (string, error) {
	give, err := p.turn.Lock(ctx)
	if err != nil {
		return "", ended(ctx)
	}
	defer give()
	if ctx.Err() != nil {
		return "", ended(ctx)
	}
	d := p.driver
	if d.Device && r.Kind != Code {
		if d, err = p.other(); err != nil {
			return "", err
		}
	}
	a := asker{p.env, d}
	switch {
	case r.Kind == Code:
		return a.code(ctx, r)
	case r.Kind == Passphrase && r.New:
		return a.newPassphrase(ctx, r)
	}
	return a.once(ctx, r)
}

// An asker is a driver at work.
type asker struct {
	env    Env
	driver Driver
}

// once puts the question once.
func (a asker) once(ctx context.Context, r Request) (string, error) {
	answer, err := a.driver.Ask(ctx, a.env, r)
	switch {
	case errors.Is(err, ErrCancelled):
		return "", err
	case err != nil && ctx.Err() != nil:
		return "", ended(ctx)
	case err != nil:
		return "", fmt.Errorf("%s: %w", a.driver.Name, err)
	case len(answer) > maxAnswer:
		return "", &TooLongError{Driver: a.driver.Name, Limit: maxAnswer}
	}
	return answer, nil
}

// code asks until it has six digits. A device is asked once: it would say the same again.
func (a asker) code(ctx context.Context, r Request) (string, error) {
	tries := maxTries
	if a.driver.Device {
		tries = 1
	}
	for range tries {
		answer, err := a.once(ctx, r)
		if err != nil {
			return "", err
		}
		// Authenticators show a code in two groups of three, and people type what they see.
		if code := withoutBlanks(answer); isCode(code) {
			return code, nil
		}
		r.Again = "a code is six digits"
	}
	return "", &CodeFormatError{Driver: a.driver.Name, Tries: tries}
}

// newPassphrase asks twice until both answers agree.
func (a asker) newPassphrase(ctx context.Context, r Request) (string, error) {
	again := r
	again.Text, again.Again = r.Text+" (again)", ""
	for range maxTries {
		first, err := a.once(ctx, r)
		if err != nil {
			return "", err
		}
		if first == "" {
			r.Again = "an empty passphrase protects nothing"
			continue
		}
		second, err := a.once(ctx, again)
		if err != nil {
			return "", err
		}
		if first == second {
			return first, nil
		}
		r.Again = "the two differ"
	}
	return "", &NewPassphraseError{Driver: a.driver.Name, Tries: maxTries, Why: r.Again}
}

func withoutBlanks(s string) string {
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

// saidYes says whether s, typed by a person, is a yes.
func saidYes(s string) bool {
	s = strings.ToLower(strings.TrimSpace(s))
	return s == "y" || s == "yes"
}

// yes is a Confirm's answer.
func yes(y bool) string {
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
