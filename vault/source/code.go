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

// finalError is the error of a call for which no more codes are tried.
func finalError(err error, serial string, refused int) error {
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

// retryReason says why another code is wanted after err, or nothing if none would help: a
// call that timed out would do so again.
func retryReason(err error) string {
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

// codeSender are those of the device that a step needs one of.
type codeSender struct {
	deps    *Deps
	step    plan.Step
	wasSent func(code string) bool // whether a code was, before; set by send
}

// maxTries is how many codes are tried.
func (c codeSender) maxTries() int {
	if c.deps.MaxCodes > 0 {
		return c.deps.MaxCodes
	}
	return 3
}

// send makes a call that may carry a code. Each code is sent once: AWS takes it
// once, and an answer that was lost leaves open whether it did. A code that was refused,
// or whose answer was lost, is asked for again.
func (c codeSender) send(ctx context.Context, call func(context.Context, awsapi.MFA) (aws.Credentials, error)) (aws.Credentials, error) {
	deps, serial := c.deps, c.step.MFA.Serial
	if serial == "" {
		return call(ctx, awsapi.MFA{})
	}
	if err := sts(deps.AWS, c.step).Check(); err != nil {
		return aws.Credentials{}, err // before anyone is asked in vain
	}
	ctx, device, err := deps.Codes.LockDevice(ctx, serial, "the MFA code of "+serial)
	if err != nil {
		return aws.Credentials{}, err
	}
	defer device.Close()
	var tried []string // the device remembers its last code alone
	c.wasSent = func(code string) bool { return slices.Contains(tried, code) || device.WasSent(code) }
	retry, refused := "", 0
	for {
		code, err := c.nextCode(ctx, retry)
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
		if retry = retryReason(err); retry == "" {
			return creds, err
		}
		if len(tried) == c.maxTries() {
			return aws.Credentials{}, finalError(err, serial, refused)
		}
	}
}

// nextCode gets a code that was not sent before. again says why another is wanted; empty for the first.
func (c codeSender) nextCode(ctx context.Context, again string) (string, error) {
	m := c.step.MFA
	if m.Process != "" {
		return c.readCode(ctx, c.mfaProcess(), again)
	}
	q := Question{Profile: c.step.Profile, Serial: m.Serial, Device: m.Device}
	if c.deps.RepeatsCode != nil && c.deps.RepeatsCode(q) {
		return c.readCode(ctx, c.securityKey(q), again)
	}
	for range c.maxTries() {
		q.RetryReason = again
		answer, err := c.deps.Ask(ctx, q)
		if err != nil {
			return "", err
		}
		code, err := parseCode("the answer", answer)
		if err != nil || !c.wasSent(code) {
			return code, err
		}
		again = "that code was sent before, and AWS takes each code once"
	}
	return "", &UsedCodeError{"the answer", m.Serial}
}

// A teller tells the code of a device, and the same one again until the next.
type codeSource struct {
	name      string
	retryNote string // what is said when it has to tell another
	read      func(context.Context) (string, error)
}

// maxCodeText bounds what a program may print in place of a code, in bytes.
const maxCodeText = 4096

// mfaProcess is the profile's mfa_process.
func (c codeSender) mfaProcess() codeSource {
	name := "mfa_process of profile " + c.step.Profile
	return codeSource{name, "running " + name + " once more", func(ctx context.Context) (string, error) {
		out, err := c.deps.run(ctx, "mfa_process", Command{Line: c.step.MFA.Process, Profile: c.step.Profile, Max: maxCodeText})
		return string(out), err
	}}
}

// securityKey is a security key.
func (c codeSender) securityKey(q Question) codeSource {
	return codeSource{"the key", "reading another code from the key", func(ctx context.Context) (string, error) { return c.deps.Ask(ctx, q) }}
}

// codePeriod is how long a code stands.
// https://www.rfc-editor.org/rfc/rfc6238#section-4.1
const codePeriod = 30 * time.Second

// notified has a code told. One that was sent before is told again until the next has come.
func (c codeSender) readCode(ctx context.Context, t codeSource, again string) (string, error) {
	if again != "" {
		c.deps.notify(t.retryNote + ": " + again)
	}
	for try := 1; ; try++ {
		out, err := t.read(ctx)
		if err != nil {
			return "", err
		}
		code, err := parseCode(t.name, out)
		if err != nil || !c.wasSent(code) {
			return code, err
		}
		serial := c.step.MFA.Serial
		if try == c.maxTries() {
			return "", &UsedCodeError{t.name, serial}
		}
		next := timeToNextCode(c.deps.AWS.Clock.Local())
		c.deps.notify(fmt.Sprintf("waiting %s for the next code of %s: the last one was sent before", next.Round(time.Second), serial))
		if err := c.deps.Sleep(ctx, next+time.Second); err != nil {
			return "", err
		}
	}
}

// timeToNextCode is how long a program that reckons by this computer's clock takes to show
// another code.
func timeToNextCode(now time.Time) time.Duration {
	return now.Truncate(codePeriod).Add(codePeriod).Sub(now)
}

func parseCode(from, text string) (string, error) {
	code := strings.TrimSpace(text)
	if len(code) != 6 || strings.Trim(code, "0123456789") != "" {
		return "", &CodeFormatError{from, utf8.RuneCountInString(code)}
	}
	return code, nil
}
