package run

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strings"

	"aws-vault/cli/app"
	"aws-vault/cli/hint"
	"aws-vault/prompt"
	"aws-vault/server"
	"aws-vault/vault"
	"aws-vault/vault/awsapi"
	"aws-vault/vault/keystore"
	"aws-vault/vault/source"
	"aws-vault/vault/store"
)

// refusal converts an error to the response of a server to a client. The message contains the hints. SDKs retry a
// request after status 429 or 5xx. So an error that the user must fix has another 4xx status. A missing sign-in
// has status 403, which AWS uses for denied access. Status 401 would mean that the client's token is wrong.
func refusal(a *app.App, err error) server.Refusal {
	r := classify(a, err)
	r.Message = a.Env.Shorten(err.Error())
	if h := hint.For(err, a.HintFacts()); len(h) > 0 {
		r.Message += " (" + strings.Join(h, "; ") + ")"
	}
	return r
}

func classify(a *app.App, err error) server.Refusal {
	var (
		required    *vault.LoginRequiredError
		login       *source.LoginRequiredError
		noWay       *prompt.NoDriverError
		api         *awsapi.APIError
		timeout     *awsapi.TimeoutError
		unreachable *awsapi.UnreachableError
		notAWS      *awsapi.NotAWSError
	)
	switch {
	case errors.As(err, &required), errors.As(err, &login), errors.As(err, &noWay), errors.Is(err, prompt.ErrCancelled):
		return server.Refusal{Status: http.StatusForbidden, Code: "LoginRequired"}
	case errors.Is(err, keystore.ErrLocked), errors.Is(err, keystore.ErrWrongPassphrase):
		return server.Refusal{Status: http.StatusForbidden, Code: "KeystoreLocked"}
	case errors.As(err, &api):
		return server.Refusal{Status: statusOf(api), Code: cmp.Or(api.Code, "ServiceError")}
	case errors.As(err, &timeout), errors.Is(err, context.DeadlineExceeded):
		return server.Refusal{Status: http.StatusGatewayTimeout, Code: "Timeout"}
	case errors.As(err, &unreachable), errors.As(err, &notAWS):
		return server.Refusal{Status: http.StatusBadGateway, Code: "Unreachable"}
	case isConfigError(err):
		return server.Refusal{Status: http.StatusBadRequest, Code: "InvalidProfile"}
	}
	return server.Refusal{Status: http.StatusInternalServerError, Code: "InternalFailure"}
}

// statusOf returns the HTTP status for an error from AWS. It returns AWS's own status if SDKs handle that correctly.
func statusOf(e *awsapi.APIError) int {
	switch {
	case e.Retry && e.Status < http.StatusInternalServerError:
		return http.StatusTooManyRequests
	case e.Status >= http.StatusInternalServerError:
		return http.StatusBadGateway
	case e.Status >= http.StatusBadRequest:
		return e.Status
	}
	return http.StatusBadGateway
}

// A planError reports that no plan could be created for a profile.
type planError struct{ err error }

func (e *planError) Error() string { return e.err.Error() }

func (e *planError) Unwrap() error { return e.err }

// isConfigError reports whether the user can fix the error by changing a profile, or a file that a profile names.
func isConfigError(err error) bool {
	var (
		plan     *planError
		signer   *source.NoSignerError
		late     *source.CertificateTimeError
		other    *source.KeyMismatchError
		endpoint *awsapi.EndpointError
		loop     *source.RecursionError
		caller   *store.DeadlockError
	)
	return errors.As(err, &plan) || errors.As(err, &signer) || errors.As(err, &late) || errors.As(err, &other) ||
		errors.As(err, &endpoint) || errors.As(err, &loop) || errors.As(err, &caller)
}
