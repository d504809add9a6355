package cli

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"aws-vault/prompt"
	"aws-vault/server"
	"aws-vault/vault"
	"aws-vault/vault/keystore"
	"aws-vault/vault/plan"
	"aws-vault/vault/source"
)

// refusal is an error as a client of a server reads it: with the remedy, as nobody else
// says it there. SDKs try 5xx and 429 again and give up on other 4xx, so that what a
// person has to mend is 4xx. A person who has to sign in is 403, as AWS's own refusals
// are: 401 would say that the client's token is wrong.
func (a *app) refusal(err error) server.Refusal {
	r := a.classify(err)
	r.Message = a.shorten(err.Error())
	if h := hints(err, a); len(h) > 0 {
		r.Message += " (" + strings.Join(h, "; ") + ")"
	}
	return r
}

func (a *app) classify(err error) server.Refusal {
	var (
		person  *vault.LoginRequiredError
		login   *source.LoginRequiredError
		noWay   *prompt.NoWayError
		api     *source.APIError
		timeout *source.TimeoutError
		silent  *source.UnreachableError
		foreign *source.NotAWSError
	)
	switch {
	case errors.As(err, &person), errors.As(err, &login), errors.As(err, &noWay), errors.Is(err, prompt.ErrCancelled):
		return server.Refusal{Status: http.StatusForbidden, Code: "LoginRequired"}
	case errors.Is(err, keystore.ErrLocked), errors.Is(err, keystore.ErrWrongPassphrase):
		return server.Refusal{Status: http.StatusForbidden, Code: "KeystoreLocked"}
	case errors.As(err, &api):
		return server.Refusal{Status: statusOf(api), Code: orElse(api.Code, "ServiceError")}
	case errors.As(err, &timeout), errors.Is(err, context.DeadlineExceeded):
		return server.Refusal{Status: http.StatusGatewayTimeout, Code: "Timeout"}
	case errors.As(err, &silent), errors.As(err, &foreign):
		return server.Refusal{Status: http.StatusBadGateway, Code: "Unreachable"}
	case isPlanning(err):
		return server.Refusal{Status: http.StatusBadRequest, Code: "InvalidProfile"}
	}
	return server.Refusal{Status: http.StatusInternalServerError, Code: "InternalFailure"}
}

// statusOf is AWS's own status where a client can make sense of it.
func statusOf(e *source.APIError) int {
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

// isPlanning reports whether a profile says something that cannot be carried out.
func isPlanning(err error) bool {
	var (
		profile  *plan.NoProfileError
		nothing  *plan.NoCredentialsError
		chained  *plan.ChainedMFAError
		long     *plan.LongLivedError
		arn      *plan.RoleARNError
		setting  *plan.SettingError
		conflict *plan.ConflictError
	)
	return errors.As(err, &profile) || errors.As(err, &nothing) || errors.As(err, &chained) || errors.As(err, &long) ||
		errors.As(err, &arn) || errors.As(err, &setting) || errors.As(err, &conflict)
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
