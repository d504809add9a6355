// Package prompt asks the user a question, on the terminal, in a dialog, or through a device. The caller
// decides whether to ask and what to do with the answer.
package prompt

import (
	"context"
	"errors"
)

// A Kind is the kind of answer that is expected. It decides how typed text is shown and which answers
// are valid.
type Kind int

const (
	Code       Kind = iota // six digits from an MFA device; shown while typed
	Passphrase             // not shown; asked twice if Request.New is set
	Secret                 // shown as stars
	Line                   // shown
	Confirm                // yes or no; anything but yes means no
)

var kindNames = [...]string{"code", "passphrase", "secret", "line", "confirmation"}

func (k Kind) String() string {
	if k < 0 || int(k) >= len(kindNames) {
		return "unknown kind"
	}
	return kindNames[k]
}

// hidden reports whether typed text must not be shown.
func (k Kind) hidden() bool { return k == Passphrase || k == Secret }

// A Request is one question.
type Request struct {
	Kind        Kind
	Text        string // the question without a colon, such as "MFA code for alice (arn:…) to use profile prod"
	Profile     string // for drivers that show the profile separately
	Device      string // the MFA device's serial, which is also the account name for drivers that read codes from a security key
	Program     string // the program that requested a credential_process; otherwise empty
	New         bool   // the user chooses a new Passphrase, which is asked twice and must not be empty
	RetryReason string // why the question is repeated, such as "AWS refused that code"; empty the first time
}

// A Prompter asks one question at a time, in the order of the calls.
//
// Ask returns the answer without its line end. A Code is returned as six digits without spaces, and a
// Confirm as "y" or "". Ask returns [ErrCancelled] if the user declines or ctx is cancelled, and ctx's
// error if its deadline passes. It returns a [*CodeFormatError], [*NewPassphraseError] or
// [*TooLongError] if the answer is not valid, and otherwise the driver's error. The terminal's settings
// are always restored.
type Prompter interface {
	Ask(ctx context.Context, r Request) (string, error)
}

// ErrCancelled is returned, possibly wrapped, when the user declines to answer.
var ErrCancelled = errors.New("cancelled")

// An interruptedError reports that ctx was cancelled during a prompt. It matches ErrCancelled.
type interruptedError struct{ cause error }

func (e *interruptedError) Error() string        { return ErrCancelled.Error() }
func (e *interruptedError) Is(target error) bool { return target == ErrCancelled }
func (e *interruptedError) Unwrap() error        { return e.cause }

// contextError returns the error for a prompt that was open when ctx ended. An expired deadline is not a
// cancellation by the user.
func contextError(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return &timeoutError{context.Cause(ctx)}
	}
	return &interruptedError{context.Cause(ctx)}
}

type timeoutError struct{ cause error }

func (e *timeoutError) Error() string {
	return "the prompt was not answered in time: " + e.cause.Error()
}
func (e *timeoutError) Unwrap() error { return e.cause }
