package awsapi

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode"
)

// APIError is a refusal by AWS. Its texts are AWS's own, without the secrets that the
// call carried, in one line.
type APIError struct {
	Action  string
	About   string // what the action was on; may be empty
	Code    string // AWS's own; empty where it only gave a status
	Message string
	Status  int  // of HTTP
	Retry   bool // it may go better later
}

func (e *APIError) Error() string {
	what := e.Action
	if e.About != "" {
		what += " of " + e.About
	}
	if e.Code == "" {
		return fmt.Sprintf("%s: AWS says HTTP %d", what, e.Status)
	}
	if e.Message == "" {
		return fmt.Sprintf("%s: AWS says %s", what, e.Code)
	}
	return fmt.Sprintf("%s: AWS says %s: %s", what, e.Code, e.Message)
}

// RetryableError tells the SDK's retryer whether to repeat the call.
func (e *APIError) RetryableError() bool { return e.Retry }

// TimeoutError is returned where AWS did not answer in time.
type TimeoutError struct {
	Action, Endpoint string
	After            time.Duration
}

func (e *TimeoutError) Error() string {
	return fmt.Sprintf("%s: no answer from %s within %s", e.Action, e.Endpoint, e.After)
}

// UnreachableError is returned where an endpoint could not be spoken to. Whether a
// request arrived is not known.
type UnreachableError struct {
	Action, Endpoint string
	Err              error
}

func (e *UnreachableError) Error() string {
	return fmt.Sprintf("%s: no answer from %s: %v", e.Action, e.Endpoint, e.Err)
}

// Unwrap returns what the network said.
func (e *UnreachableError) Unwrap() error { return e.Err }

// explain turns what went wrong with a call into an error that says where, what and why.
func (c call) explain(limited context.Context, api *Client, err error) error {
	var no *refusal
	var foreign *NotAWSError
	var sending *url.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &foreign):
		return fmt.Errorf("%s: %w", c.action, foreign)
	case errors.As(err, &no):
		return &APIError{
			Action: c.action, About: c.about, Code: c.clean(no.code), Message: c.clean(no.message),
			Status: no.status, Retry: passes(no),
		}
	case OutOfTime(limited):
		return &TimeoutError{c.action, c.place, api.CallTime()}
	case limited.Err() != nil:
		return context.Cause(limited)
	case errors.As(err, &sending):
		return &UnreachableError{c.action, c.place, sending.Err} // the URL is the place's
	}
	return fmt.Errorf("%s at %s: %w", c.action, c.place, err)
}

// maxMessage is how much of what AWS says is shown, in bytes.
const maxMessage = 1000

// clean makes one line of what an endpoint says, without what the call carried: AWS's
// message on a wrong signature quotes the headers it has seen, the session token among
// them.
func (c call) clean(text string) string {
	for _, secret := range append([]string{c.signer.SecretAccessKey, c.signer.SessionToken}, c.secrets...) {
		if secret != "" {
			text = strings.NewReplacer(secret, "****", url.QueryEscape(secret), "****").Replace(text)
		}
	}
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > maxMessage {
		text = strings.ToValidUTF8(text[:maxMessage], "") + "…"
	}
	return text
}
