// Package signin signs the user in with a browser, or with a code that the user types on another machine. It
// implements OAuth's flows and the client side of OpenID Connect. The caller chooses the provider and stores
// the tokens.
package signin

import (
	"errors"
	"fmt"
)

// Reasons why a sign-in did not complete. Test for them with errors.Is.
var (
	ErrDenied  = errors.New("the sign-in was refused in the browser")
	ErrTimeout = errors.New("the sign-in was not completed in time")
)

// Errors of a poll that ends before the user has signed in.
var (
	ErrPending  = errors.New("the sign-in is not complete yet")
	ErrSlowDown = errors.New("polled too soon")
)

// RefusedError reports that the sign-in page returned an error in place of a code.
// https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2.1
type RefusedError struct{ Code, Description string }

func (e *RefusedError) Error() string {
	if e.Description == "" {
		return fmt.Sprintf("the sign-in page returned %s, expected a code", e.Code)
	}
	return fmt.Sprintf("the sign-in page returned %s (%s), expected a code", e.Code, e.Description)
}

// OtherIssuerError reports that a redirect names another issuer than the one where the sign-in began. Another
// provider may have sent it. https://www.rfc-editor.org/rfc/rfc9207#section-2.4
type OtherIssuerError struct{ Found, Want string }

func (e *OtherIssuerError) Error() string {
	return fmt.Sprintf("the response to the sign-in names the issuer %q, expected %s", e.Found, e.Want)
}

var errNoCode = errors.New("the sign-in page returned neither a code nor an error")

// A TemporaryError reports that the service did not answer a poll, or answered that it cannot process calls now.
// The next poll may succeed.
type TemporaryError struct{ Err error }

func (e *TemporaryError) Error() string { return e.Err.Error() }

// Unwrap returns the error of the poll.
func (e *TemporaryError) Unwrap() error { return e.Err }
