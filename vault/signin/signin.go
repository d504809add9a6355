// Package signin signs a person in at a provider, with a browser or with a code that they type. It
// knows how a sign-in goes on this side, and how an OpenID provider is asked; whom one signs in to,
// and where the outcome is kept, is the caller's business.
package signin

import (
	"errors"
	"fmt"
)

// How a sign-in can end without one. They are found with errors.Is.
var (
	ErrDenied  = errors.New("the sign-in was refused in the browser")
	ErrTimeout = errors.New("nobody has signed in in time")
)

// What a poll returns while there is nothing to return yet.
var (
	ErrPending  = errors.New("nobody has answered yet")
	ErrSlowDown = errors.New("asked again too soon")
)

// RefusedError is what the page of a sign-in answered in place of a code.
// https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2.1
type RefusedError struct{ Code, Description string }

func (e *RefusedError) Error() string {
	if e.Description == "" {
		return fmt.Sprintf("the sign-in page answered %s, want a code", e.Code)
	}
	return fmt.Sprintf("the sign-in page answered %s (%s), want a code", e.Code, e.Description)
}
