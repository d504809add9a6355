package source

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/vault/awsapi"
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

// lastWord is the error of a call for which no more codes are tried.
func lastWord(err error, serial string, refused int) error {
	if wrongCode(err) {
		return &CodeRefusedError{serial, refused, err}
	}
	return err
}

// wrongCode reports whether AWS refused the code itself. Its other refusals that begin
// likewise are of the device, for which every code is wrong.
func wrongCode(err error) bool {
	var api *awsapi.APIError
	return errors.As(err, &api) && strings.Contains(api.Message, "MultiFactorAuthentication failed with invalid MFA one time pass code")
}

// another says why another code is wanted after err, or nothing if none would help: a
// call that timed out would do so again.
func another(err error) string {
	var api *awsapi.APIError
	var lost *awsapi.UnreachableError
	var foreign *awsapi.NotAWSError
	switch {
	case wrongCode(err):
		return "AWS refused that code"
	case errors.As(err, &api) && api.Retry:
		return "AWS could not answer (" + api.Code + "), and takes each code once"
	case errors.As(err, &lost), errors.As(err, &foreign) && foreign.RetryableError():
		return "AWS's answer was lost, and it takes each code once"
	}
	return ""
}

// codes are those of the device that a step needs one of.
type codes struct {
	deps *Deps
	step plan.Step
	sent func(code string) bool // whether a code was, before; set by send
}

// most is how many codes are tried.
func (c codes) most() int {
	if c.deps.MaxCodes > 0 {
		return c.deps.MaxCodes
	}
	return 3
}

// send makes a call that may carry a code. Each code is sent once: AWS takes it
// once, and an answer that was lost leaves open whether it did. A code that was refused,
// or whose answer was lost, is asked for again.
func (c codes) send(ctx context.Context, call func(context.Context, awsapi.MFA) (aws.Credentials, error)) (aws.Credentials, error) {
	d, serial := c.deps, c.step.MFA.Serial
	if serial == "" {
		return call(ctx, awsapi.MFA{})
	}
	if err := sts(d.AWS, c.step).Check(); err != nil {
		return aws.Credentials{}, err // before anyone is asked in vain
	}
	ctx, device, err := d.Codes.LockDevice(ctx, serial, "the MFA code of "+serial)
	if err != nil {
		return aws.Credentials{}, err
	}
	defer device.Close()
	var tried []string // the device remembers its last code alone
	c.sent = func(code string) bool { return slices.Contains(tried, code) || device.WasSent(code) }
	again, refused := "", 0
	for {
		code, err := c.next(ctx, again)
		if err != nil {
			return aws.Credentials{}, err
		}
		if err := device.MarkSent(code); err != nil {
			return aws.Credentials{}, err // what cannot be noted is not sent
		}
		tried = append(tried, code)
		creds, err := call(ctx, awsapi.MFA{Serial: serial, Code: code})
		if wrongCode(err) {
			refused++
		}
		if again = another(err); again == "" {
			return creds, err
		}
		if len(tried) == c.most() {
			return aws.Credentials{}, lastWord(err, serial, refused)
		}
	}
}

// next gets a code that was not sent before. again says why another is wanted; empty for the first.
func (c codes) next(ctx context.Context, again string) (string, error) {
	m := c.step.MFA
	if m.Process != "" {
		return c.told(ctx, c.program(), again)
	}
	q := Question{Profile: c.step.Profile, Serial: m.Serial, Device: m.Device}
	if c.deps.Reads != nil && c.deps.Reads(q) {
		return c.told(ctx, c.key(q), again)
	}
	for range c.most() {
		q.Again = again
		answer, err := c.deps.Ask(ctx, q)
		if err != nil {
			return "", err
		}
		code, err := parseCode("the answer", answer)
		if err != nil || !c.sent(code) {
			return code, err
		}
		again = "that code was sent before, and AWS takes each code once"
	}
	return "", &UsedCodeError{"the answer", m.Serial}
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
func (c codes) program() teller {
	name := "mfa_process of profile " + c.step.Profile
	return teller{name, "running " + name + " once more", func(ctx context.Context) (string, error) {
		out, err := c.deps.run(ctx, "mfa_process", Command{Line: c.step.MFA.Process, Profile: c.step.Profile, Max: maxCodeText})
		return string(out), err
	}}
}

// key is a security key.
func (c codes) key(q Question) teller {
	return teller{"the key", "reading another code from the key", func(ctx context.Context) (string, error) { return c.deps.Ask(ctx, q) }}
}

// codeStep is how long a code stands.
// https://www.rfc-editor.org/rfc/rfc6238#section-4.1
const codeStep = 30 * time.Second

// told has a code told. One that was sent before is told again until the next has come.
func (c codes) told(ctx context.Context, t teller, again string) (string, error) {
	if again != "" {
		c.deps.say(t.once + ": " + again)
	}
	for try := 1; ; try++ {
		out, err := t.tell(ctx)
		if err != nil {
			return "", err
		}
		code, err := parseCode(t.name, out)
		if err != nil || !c.sent(code) {
			return code, err
		}
		serial := c.step.MFA.Serial
		if try == c.most() {
			return "", &UsedCodeError{t.name, serial}
		}
		next := untilNextCode(c.deps.AWS.Clock.Local())
		c.deps.say(fmt.Sprintf("waiting %s for the next code of %s: the last one was sent before", next.Round(time.Second), serial))
		if err := c.deps.Sleep(ctx, next+time.Second); err != nil {
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
