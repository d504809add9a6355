// Package prompt asks the user, in whichever way reaches them. Whether a question is needed, and
// what is done with the answer, is left to the caller.
package prompt

import (
	"context"
	"errors"
)

// A Kind says what is asked for, and so how it is shown while it is typed and what counts as an answer.
type Kind int

const (
	Code       Kind = iota // six digits from an MFA device, shown
	Passphrase             // not shown at all; asked twice if the request is for a new one
	Secret                 // each character shown as a star
	Line                   // sanitize
	Confirm                // confirmAnswer or no; no unless yes is said
)

var kindNames = [...]string{"code", "passphrase", "secret", "line", "confirmation"}

func (k Kind) String() string {
	if k < 0 || int(k) >= len(kindNames) {
		return "unknown kind"
	}
	return kindNames[k]
}

// hidden says whether what is typed must not be seen.
func (k Kind) hidden() bool { return k == Passphrase || k == Secret }

// A Request is one question.
type Request struct {
	Kind        Kind
	Text        string // the question without its colon: "MFA code for alice (arn:…) to use profile prod"
	Profile     string // for drivers that show it apart from the question
	Device      string // the MFA device's serial; a driver that reads codes from a key looks there for its name
	Program     string // who asked, when it is a credential_process; empty otherwise
	New         bool   // a Passphrase is being chosen: it is asked twice and may not be empty
	RetryReason string // why it is asked again: "AWS refused that code"; empty the first time
}

// A Prompter asks one question at a time, in the order in which they come.
//
// Ask returns the answer without its line end. A Code is six digits, without the blanks that were typed between
// them; a Confirm is "y" or empty. It returns [ErrCancelled] if the user declines or ctx is cancelled, ctx's error if
// its deadline passes, a [*CodeFormatError], [*NewPassphraseError] or [*TooLongError] if what came is not an answer,
// and otherwise the driver's error. The terminal is as it was before, whichever it is.
type Prompter interface {
	Ask(ctx context.Context, r Request) (string, error)
}

// ErrCancelled is returned, possibly wrapped, when the user declines to answer.
var ErrCancelled = errors.New("cancelled")

// An interruption is a question that ctx put an end to.
type interruptedError struct{ cause error }

func (e *interruptedError) Error() string        { return ErrCancelled.Error() }
func (e *interruptedError) Is(target error) bool { return target == ErrCancelled }
func (e *interruptedError) Unwrap() error        { return e.cause }

// contextError returns the error for a question that was open when ctx was done. Time running out is not the user's no.
func contextError(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return &timeoutError{context.Cause(ctx)}
	}
	return &interruptedError{context.Cause(ctx)}
}

type timeoutError struct{ cause error }

func (e *timeoutError) Error() string { return "no answer in time: " + e.cause.Error() }
func (e *timeoutError) Unwrap() error { return e.cause }
