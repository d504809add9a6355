package source

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"aws-vault/vault/plan"
)

// CodeRefusedError is returned when AWS has refused the last code that may be tried.
type CodeRefusedError struct {
	Serial string
	Tries  int   // how many codes AWS refused
	Err    error // AWS's last word
}

func (e *CodeRefusedError) Error() string {
	return fmt.Sprintf("AWS refused %d codes of %s: %v", e.Tries, e.Serial, e.Err)
}

// Unwrap returns AWS's last word.
func (e *CodeRefusedError) Unwrap() error { return e.Err }

// CodeFormatError is returned for what came in place of a code. It does not say what
// that was.
type CodeFormatError struct {
	Source string
	Length int // in characters
}

func (e *CodeFormatError) Error() string {
	return fmt.Sprintf("%s gave %d characters, want a code of six digits", e.Source, e.Length)
}

// UsedCodeError is returned where only codes were given that were sent before.
type UsedCodeError struct {
	Source string
	Serial string
}

func (e *UsedCodeError) Error() string {
	return fmt.Sprintf("%s gave a code of %s that was sent before, want a new one: AWS takes each once", e.Source, e.Serial)
}

// withCode makes a call that may carry a code. Each code is sent once: AWS takes it
// once, and an answer that was lost leaves open whether it did. A code that was refused,
// or whose answer was lost, is asked for again.
func (d *Deps) withCode(ctx context.Context, c call, in parameters, out any) error {
	m := c.step.MFA
	if m.Serial == "" {
		return d.do(ctx, c, in, out)
	}
	if _, err := d.prepare(c); err != nil {
		return err // before anyone is asked in vain
	}
	ctx, device, err := d.Codes.Device(ctx, m.Serial, "the MFA code of "+m.Serial)
	if err != nil {
		return err
	}
	defer device.Close()
	var tried []string // the device remembers its last code alone
	sent := func(code string) bool { return slices.Contains(tried, code) || device.Sent(code) }
	c.once = true
	again, refused := "", 0
	for {
		if c.secret, err = d.code(ctx, c.step, again, sent); err != nil {
			return err
		}
		if err = device.Send(c.secret); err != nil {
			return err // what cannot be noted is not sent
		}
		tried = append(tried, c.secret)
		in.set("SerialNumber", m.Serial)
		in.set("TokenCode", c.secret)
		err = d.do(ctx, c, in, out)
		if wrongCode(err) {
			refused++
		}
		if again = another(err); again == "" {
			return err
		}
		if len(tried) == d.maxCodes() {
			return lastWord(err, m.Serial, refused)
		}
	}
}

// lastWord is the error of a call for which no more codes are tried.
func lastWord(err error, serial string, refused int) error {
	if wrongCode(err) {
		return &CodeRefusedError{serial, refused, err}
	}
	return err
}

func (d *Deps) maxCodes() int {
	if d.MaxCodes > 0 {
		return d.MaxCodes
	}
	return 3
}

// wrongCode reports whether AWS refused the code itself. Its other refusals that begin
// likewise are of the device, for which every code is wrong.
func wrongCode(err error) bool {
	var api *APIError
	return errors.As(err, &api) && strings.Contains(api.Message, "MultiFactorAuthentication failed with invalid MFA one time pass code")
}

// another says why another code is wanted after err, or nothing if none would help: a
// call that timed out would do so again.
func another(err error) string {
	var api *APIError
	var lost *UnreachableError
	var foreign *NotAWSError
	switch {
	case wrongCode(err):
		return "AWS refused that code"
	case errors.As(err, &api) && api.Retry:
		return "AWS could not answer (" + api.Code + "), and takes each code once"
	case errors.As(err, &lost), errors.As(err, &foreign) && passes(foreign):
		return "AWS's answer was lost, and it takes each code once"
	}
	return ""
}

// code gets a code that was not sent before.
func (d *Deps) code(ctx context.Context, s plan.Step, again string, sent func(string) bool) (string, error) {
	if s.MFA.Process != "" {
		return d.codeOf(ctx, s, d.program(s), again, sent)
	}
	q := Question{Profile: s.Profile, Serial: s.MFA.Serial, Device: s.MFA.Device}
	if d.Reads != nil && d.Reads(q) {
		return d.codeOf(ctx, s, d.key(q), again, sent)
	}
	for range d.maxCodes() {
		q.Again = again
		answer, err := d.Ask(ctx, q)
		if err != nil {
			return "", err
		}
		code, err := parseCode("the answer", answer)
		if err != nil || !sent(code) {
			return code, err
		}
		again = "that code was sent before, and AWS takes each code once"
	}
	return "", &UsedCodeError{"the answer", s.MFA.Serial}
}

// A teller tells the code of a device, and the same one again until the next.
type teller struct {
	name string
	once string // what is said when it has to tell another
	tell func(context.Context) (string, error)
}

// maxCodeText bounds what a program may print in place of a code, in bytes.
const maxCodeText = 4096

// program is the profile's mfa_process.
func (d *Deps) program(s plan.Step) teller {
	name := "mfa_process of profile " + s.Profile
	return teller{name, "running " + name + " once more", func(ctx context.Context) (string, error) {
		out, err := d.run(ctx, "mfa_process", Command{Line: s.MFA.Process, Profile: s.Profile, Max: maxCodeText})
		return string(out), err
	}}
}

// key is a security key.
func (d *Deps) key(q Question) teller {
	return teller{"the key", "reading another code from the key", func(ctx context.Context) (string, error) { return d.Ask(ctx, q) }}
}

// codeStep is how long a code stands.
// https://www.rfc-editor.org/rfc/rfc6238#section-4.1
const codeStep = 30 * time.Second

// codeOf has a code told. One that was sent before is told again until the next has come.
func (d *Deps) codeOf(ctx context.Context, s plan.Step, t teller, again string, sent func(string) bool) (string, error) {
	if again != "" {
		d.tell(t.once + ": " + again)
	}
	for try := 1; ; try++ {
		out, err := t.tell(ctx)
		if err != nil {
			return "", err
		}
		code, err := parseCode(t.name, out)
		if err != nil || !sent(code) {
			return code, err
		}
		if try == d.maxCodes() {
			return "", &UsedCodeError{t.name, s.MFA.Serial}
		}
		next := untilNextCode(d.Clock.Local())
		d.tell(fmt.Sprintf("waiting %s for the next code of %s: the last one was sent before", next.Round(time.Second), s.MFA.Serial))
		if err := d.Sleep(ctx, next+time.Second); err != nil {
			return "", err
		}
	}
}

// untilNextCode is how long a program that reckons by this computer's clock takes to show
// another code.
func untilNextCode(now time.Time) time.Duration {
	return now.Truncate(codeStep).Add(codeStep).Sub(now)
}

func parseCode(from, text string) (string, error) {
	code := strings.TrimSpace(text)
	if len(code) != 6 || strings.Trim(code, "0123456789") != "" {
		return "", &CodeFormatError{from, utf8.RuneCountInString(code)}
	}
	return code, nil
}
