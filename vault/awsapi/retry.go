package awsapi

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
)

// retries holds a profile's max_attempts and retry_mode. Zero values select the SDK's defaults.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
type retries struct {
	attempts int
	mode     string
}

func (e Endpoint) retries() retries { return retries{e.MaxAttempts, e.RetryMode} }

// maxBackoff is the longest wait before a retry. The SDK waits for up to 20 s, which is too long for a user who
// waits for a command. One call has a timeout of 30 s by default.
const maxBackoff = 5 * time.Second

// retryer returns the SDK's retryer for these settings. Calls with the same settings share one retryer, because the
// retryer limits the number of retries in this process.
func (api *Client) retryer(r retries) aws.RetryerV2 {
	api.lock.Lock()
	defer api.lock.Unlock()
	if known, ok := api.retryers[r]; ok {
		return known
	}
	standard := func(o *retry.StandardOptions) {
		o.MaxAttempts, o.MaxBackoff = cmp.Or(r.attempts, retry.DefaultMaxAttempts), maxBackoff
		o.Retryables = retryables()
		if api.Backoff != nil {
			o.Backoff = retry.BackoffDelayerFunc(func(attempt int, err error) (time.Duration, error) { return api.Backoff(attempt, err), nil })
		}
	}
	var created aws.RetryerV2
	if r.mode == string(aws.RetryModeAdaptive) {
		created = retry.NewAdaptiveMode(func(o *retry.AdaptiveModeOptions) {
			o.StandardOptions = append(o.StandardOptions, standard)
		})
	} else {
		created = retry.NewStandard(standard)
	}
	if api.retryers == nil {
		api.retryers = map[retries]aws.RetryerV2{}
	}
	api.retryers[r] = created
	return created
}

// try makes a call, and repeats it after an error that may be temporary, up to the limit in r. If once is true, try
// never repeats the call.
func (api *Client) try(ctx context.Context, r retries, once bool, call func() error) error {
	retryer := api.retryer(r)
	releaseRetry := func(error) error { return nil }
	for n := 1; ; n++ {
		releaseAttempt, err := retryer.GetAttemptToken(ctx) // in adaptive mode, this waits while AWS throttles calls
		if err != nil {
			return err
		}
		err = call()
		// The errors of these two functions are ignored, because they concern only the retryer's own counters.
		_, _ = releaseAttempt(err), releaseRetry(err)
		if err == nil || once || n >= retryer.MaxAttempts() || ctx.Err() != nil || !retryer.IsErrorRetryable(err) {
			return err
		}
		var quota error
		if releaseRetry, quota = retryer.GetRetryToken(ctx, err); quota != nil {
			return err
		}
		wait, failed := retryer.RetryDelay(n, err)
		if failed != nil || wait > 0 && api.Sleep(ctx, wait) != nil {
			return err
		}
	}
}

// retryables returns the errors after which the SDK's clients retry: the SDK's default errors, and those that its
// STS, IAM and sign-in clients add.
func retryables() []retry.IsErrorRetryable {
	return append(slices.Clone(retry.DefaultRetryables),
		retry.RetryableErrorCode{Codes: map[string]struct{}{"IDPCommunicationError": {}}},
		retry.IsErrorRetryableFunc(func(err error) aws.Ternary {
			if isConnectionLost(err) || isKeyFetchFailure(err) {
				return aws.TrueTernary
			}
			return aws.UnknownTernary
		}),
	)
}

// CodeInvalidToken is AWS's error code for a refused web identity token.
const CodeInvalidToken = "InvalidIdentityToken"

// isKeyFetchFailure reports whether AWS refused a token because AWS could not fetch the provider's keys. The SDK also
// retries after this error.
func isKeyFetchFailure(err error) bool {
	var refused *refusal
	return errors.As(err, &refused) && refused.code == CodeInvalidToken && strings.Contains(refused.message, "Couldn't retrieve verification key")
}

// isRetryable reports whether the call may succeed if it is repeated.
func isRetryable(err error) bool {
	return retry.IsErrorRetryables(retryables()).IsErrorRetryable(err).Bool()
}

// isConnectionLost reports whether a connection broke while it was in use. The SDK's retryer recognizes this error
// only in the form in which the SDK's own clients report it.
func isConnectionLost(err error) bool {
	var urlErr *url.Error
	var op *net.OpError
	if !errors.As(err, &urlErr) {
		return false
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &op) && (op.Op == "read" || op.Op == "write")
}
