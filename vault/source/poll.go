package source

import (
	"context"
	"errors"
	"net/http"

	"aws-vault/vault/awsapi"
	"aws-vault/vault/signin"
)

// pollDeviceCode polls until the user has entered the code. If a poll fails for a temporary reason, it polls again: the
// user has not done anything wrong, and the code is still valid.
// https://www.rfc-editor.org/rfc/rfc8628#section-3.5
func pollDeviceCode[T any](ctx context.Context, d *Deps, code signin.DeviceCode, poll func(context.Context) (T, error)) (T, error) {
	return signin.WithDeviceCode(ctx, code, func(ctx context.Context) (T, error) {
		t, err := poll(ctx)
		if isTemporary(err) && !errors.Is(err, signin.ErrPending) && !errors.Is(err, signin.ErrSlowDown) {
			err = &signin.TemporaryError{Err: err}
		}
		return t, err
	}, d.Sleep)
}

// isTemporary reports whether the service did not answer a call, or answered that it cannot process calls now.
func isTemporary(err error) bool {
	if _, ok := errors.AsType[*awsapi.TimeoutError](err); ok {
		return true
	}
	if _, ok := errors.AsType[*awsapi.UnreachableError](err); ok {
		return true
	}
	if e, ok := errors.AsType[*awsapi.APIError](err); ok {
		return e.Retry || isBusy(e.Status)
	}
	if e, ok := errors.AsType[*awsapi.NotAWSError](err); ok {
		return isBusy(e.Status)
	}
	e, ok := errors.AsType[*signin.GrantError](err)
	return ok && isBusy(e.Status)
}

func isBusy(status int) bool {
	return status >= http.StatusInternalServerError || status == http.StatusTooManyRequests
}
