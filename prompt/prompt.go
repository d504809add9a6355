// Package prompt asks the user a question, on the terminal, in a dialog, or through a device. The caller
// decides whether to ask and what to do with the answer.
package prompt

import (
	"context"
	"errors"
)

// A Kind is the kind of answer that a question requires. It decides how the typed text is shown and which answers
// are valid.
type Kind int

const (
	Code       Kind = iota // six digits from an MFA device; shown while the user types
	Passphrase             // not shown; the user types it twice if Request.New is set
	Secret                 // shown as stars while the user types
	Line                   // shown while the user types
	Confirm                // yes or no; any answer other than yes means no
)

var kindNames = [...]string{"code", "passphrase", "secret", "line", "confirmation"}

func (k Kind) String() string {
	if k < 0 || int(k) >= len(kindNames) {
		return "unknown kind"
	}
	return kindNames[k]
}

// hidden reports whether the text that the user types must not be shown.
func (k Kind) hidden() bool { return k == Passphrase || k == Secret }

// A Request is a question for the user.
type Request struct {
	Kind        Kind
	Text        string // the question without a colon, such as "MFA code for alice (arn:…) to use profile prod"
	Profile     string // the profile, for drivers that show it separately
	Device      string // the MFA device's serial, which is also the account name on a security key
	Program     string // the program that started aws-vault as its credential_process; otherwise empty
	New         bool   // whether the user chooses a new Passphrase, which must not be empty
	RetryReason string // why the question is repeated, such as "AWS refused that code"; empty at first
}

// A Prompter asks the user questions, one at a time and in the order of the calls.
//
// Ask returns the answer without the line end. For a Code, it returns six digits without spaces. For a Confirm, it
// returns "y" or "". It returns [ErrCancelled] if the user cancels or ctx is cancelled, and a timeout error if the
// deadline of ctx passes. It returns a [*CodeFormatError], [*NewPassphraseError] or [*TooLongError] if the answer
// is not valid. If the driver fails, it returns the driver's error. It always restores the terminal's settings.
type Prompter interface {
	Ask(ctx context.Context, r Request) (string, error)
}

// ErrCancelled reports that the user cancelled the prompt. It may be wrapped in another error.
var ErrCancelled = errors.New("cancelled")

// An interruptedError reports that ctx was cancelled during a prompt. It matches ErrCancelled.
type interruptedError struct{ cause error }

func (e *interruptedError) Error() string        { return ErrCancelled.Error() }
func (e *interruptedError) Is(target error) bool { return target == ErrCancelled }
func (e *interruptedError) Unwrap() error        { return e.cause }

// contextError returns the error for a prompt that was still open when ctx ended. If the deadline of ctx has
// passed, the error does not match ErrCancelled.
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
