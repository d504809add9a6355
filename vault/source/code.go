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

// CodeRefusedError reports that AWS refused an MFA code and that no more codes are tried.
type CodeRefusedError struct {
	Serial string
	Tries  int   // how many codes AWS refused
	Err    error // AWS's last error
}

func (e *CodeRefusedError) Error() string {
	return fmt.Sprintf("AWS refused %d MFA codes of %s: %v", e.Tries, e.Serial, e.Err)
}

// Unwrap returns AWS's last error.
func (e *CodeRefusedError) Unwrap() error { return e.Err }

// CodeFormatError reports a response that is not an MFA code. It does not contain the response, which may be
// secret.
type CodeFormatError struct {
	Source string
	Length int // length of the response in characters
}

func (e *CodeFormatError) Error() string {
	return fmt.Sprintf("%s returned %d characters, expected an MFA code of 6 digits", e.Source, e.Length)
}

// UsedCodeError reports that a device repeatedly returned a code that was already sent.
type UsedCodeError struct {
	Source string
	Serial string
}

func (e *UsedCodeError) Error() string {
	return fmt.Sprintf("%s returned an MFA code of %s that was already used; AWS accepts each code only once", e.Source, e.Serial)
}

// finalError returns the error to report when no more codes are tried.
func finalError(err error, serial string, refused int) error {
	if wrongCode(err) {
		return &CodeRefusedError{serial, refused, err}
	}
	return err
}

// wrongCode reports whether AWS refused the code itself. AWS's other MFA errors are about the device, so
// another code would not help.
func wrongCode(err error) bool {
	var api *awsapi.APIError
	return errors.As(err, &api) && strings.Contains(api.Message, "MultiFactorAuthentication failed with invalid MFA one time pass code")
}

// retryReason returns why another code should be tried after err. It is empty if another code would not help,
// for example after a timeout.
func retryReason(err error) string {
	var api *awsapi.APIError
	var lost *awsapi.UnreachableError
	var foreign *awsapi.NotAWSError
	switch {
	case wrongCode(err):
		return "AWS refused that code"
	case errors.As(err, &api) && api.Retry:
		return "AWS failed (" + api.Code + "), and it accepts each code only once"
	case errors.As(err, &lost), errors.As(err, &foreign) && foreign.RetryableError():
		return "AWS's response was lost, and AWS accepts each code only once"
	}
	return ""
}

// A codeSender sends the MFA codes for one step.
type codeSender struct {
	deps    *Deps
	step    plan.Step
	wasSent func(code string) bool // reports whether a code was already sent; set by send
}

// maxTries returns how many codes are tried.
func (c codeSender) maxTries() int {
	if c.deps.MaxCodes > 0 {
		return c.deps.MaxCodes
	}
	return 3
}

// send calls the function call. If the step needs an MFA code, send passes one to call. Each code is sent only
// once, because AWS accepts a code only once, and may have accepted a code even if the response was lost. After a
// refused code or a lost response, send calls nextCode for another code.
func (c codeSender) send(ctx context.Context, call func(context.Context, awsapi.MFA) (aws.Credentials, error)) (aws.Credentials, error) {
	deps, serial := c.deps, c.step.MFA.Serial
	if serial == "" {
		return call(ctx, awsapi.MFA{})
	}
	if err := sts(deps.AWS, c.step).Check(); err != nil {
		return aws.Credentials{}, err // return before the user is prompted, because the call cannot succeed
	}
	ctx, device, err := deps.Codes.LockDevice(ctx, serial, "the MFA code of "+serial)
	if err != nil {
		return aws.Credentials{}, err
	}
	defer device.Close()
	var tried []string // all codes sent during this call to send; the device record holds only the last code
	c.wasSent = func(code string) bool { return slices.Contains(tried, code) || device.WasSent(code) }
	retry, refused := "", 0
	for {
		code, err := c.nextCode(ctx, retry)
		if err != nil {
			return aws.Credentials{}, err
		}
		if err := device.MarkSent(code); err != nil {
			return aws.Credentials{}, err // do not send a code that could not be recorded
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

// nextCode returns a code that was not sent before. The parameter again is the reason why another code is needed. It
// is empty for the first code.
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
		code, err := parseCode("the prompt", answer)
		if err != nil || !c.wasSent(code) {
			return code, err
		}
		again = "that code was already used, and AWS accepts each code only once"
	}
	return "", &UsedCodeError{"the prompt", m.Serial}
}

// A codeSource is a program or security key that returns the current code of a device.
type codeSource struct {
	name      string
	retryNote string // message to print when another code is read
	read      func(context.Context) (string, error)
}

// maxCodeText is the maximum number of bytes that the program in mfa_process may print.
const maxCodeText = 4096

// mfaProcess returns a codeSource that runs the program in the profile's mfa_process.
func (c codeSender) mfaProcess() codeSource {
	name := "mfa_process of profile " + c.step.Profile
	return codeSource{name, "running " + name + " again", func(ctx context.Context) (string, error) {
		out, err := c.deps.run(ctx, "mfa_process", Command{Line: c.step.MFA.Process, Profile: c.step.Profile, Max: maxCodeText})
		return string(out), err
	}}
}

// securityKey returns a codeSource that reads codes from a security key.
func (c codeSender) securityKey(q Question) codeSource {
	return codeSource{"the security key", "reading another code from the security key", func(ctx context.Context) (string, error) { return c.deps.Ask(ctx, q) }}
}

// codePeriod is how long a device shows the same code.
// https://www.rfc-editor.org/rfc/rfc6238#section-4.1
const codePeriod = 30 * time.Second

// readCode reads a code from a program or security key. If the code was already sent, readCode waits for the
// next one.
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
		c.deps.notify(fmt.Sprintf("waiting %s for the next code of %s: the current code was already used", next.Round(time.Second), serial))
		if err := c.deps.Sleep(ctx, next+time.Second); err != nil {
			return "", err
		}
	}
}

// timeToNextCode returns the time until a program that uses the local clock shows another code.
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
