package awsapi

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"aws-vault/vault/printable"
)

// APIError is a refusal by AWS. Code and Message are AWS's texts on one line, without the secrets of the request.
type APIError struct {
	Action   string
	Resource string // what the action applied to, such as a role; may be empty
	Code     string // AWS's error code; empty if AWS sent only a status
	Message  string
	Status   int  // HTTP status code
	Retry    bool // whether the call may succeed if it is repeated
}

func (e *APIError) Error() string {
	what := e.Action
	if e.Resource != "" {
		what += " of " + e.Resource
	}
	if e.Code == "" {
		return fmt.Sprintf("%s: AWS returned HTTP %d", what, e.Status)
	}
	if e.Message == "" {
		return fmt.Sprintf("%s: AWS returned %s", what, e.Code)
	}
	return fmt.Sprintf("%s: AWS returned %s: %s", what, e.Code, e.Message)
}

// RetryableError tells the SDK's retryer whether to repeat the call.
func (e *APIError) RetryableError() bool { return e.Retry }

// TimeoutError reports that AWS did not answer within the timeout of one call.
type TimeoutError struct {
	Action, Endpoint string
	After            time.Duration
}

func (e *TimeoutError) Error() string {
	return fmt.Sprintf("%s: no response from %s within %s", e.Action, e.Endpoint, e.After)
}

// UnreachableError reports that the connection to an endpoint failed. The request may have arrived.
type UnreachableError struct {
	Action, Endpoint string
	Err              error
}

func (e *UnreachableError) Error() string {
	return fmt.Sprintf("%s: no response from %s: %v", e.Action, e.Endpoint, e.Err)
}

// Unwrap returns the network error.
func (e *UnreachableError) Unwrap() error { return e.Err }

// explain converts the error of a call to an error that names the action, the endpoint and the reason.
func (c call) explain(limited context.Context, api *Client, err error) error {
	var refused *refusal
	var notAWS *NotAWSError
	var urlErr *url.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &notAWS):
		return fmt.Errorf("%s: %w", c.action, notAWS)
	case errors.As(err, &refused):
		return &APIError{
			Action: c.action, Resource: c.resource, Code: c.clean(refused.code), Message: c.clean(refused.message),
			Status: refused.status, Retry: isRetryable(refused),
		}
	case TimedOut(limited):
		return &TimeoutError{c.action, c.endpoint, api.CallTimeout()}
	case limited.Err() != nil:
		return context.Cause(limited)
	case errors.As(err, &urlErr):
		return &UnreachableError{c.action, c.endpoint, urlErr.Err} // the text of urlErr would repeat the host
	}
	return fmt.Errorf("%s at %s: %w", c.action, c.endpoint, err)
}

// maxMessage is the length in bytes to which AWS's messages are shortened.
const maxMessage = 1000

// clean returns text on one line, with unsafe characters escaped and without the secrets of the request. AWS's message
// about a wrong signature quotes the request's headers, including the session token.
func (c call) clean(text string) string {
	for _, secret := range append([]string{c.signer.SecretAccessKey, c.signer.SessionToken}, c.secrets...) {
		if secret != "" {
			text = strings.NewReplacer(secret, "****", url.QueryEscape(secret), "****").Replace(text)
		}
	}
	text = printable.Line(strings.Join(strings.Fields(text), " "))
	if len(text) > maxMessage {
		text = strings.ToValidUTF8(text[:maxMessage], "") + "…"
	}
	return text
}
