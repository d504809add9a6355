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

// retries says how often calls are tried, as max_attempts and retry_mode do. The zero value leaves both to
// the SDK.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
type retries struct {
	attempts int
	mode     string
}

func (e Endpoint) retries() retries { return retries{e.MaxAttempts, e.RetryMode} }

// maxBackoff is the longest wait before a call is tried again. The SDK waits for up to 20 s, but most of
// our calls have a user who waits, and 30 s in all.
const maxBackoff = 5 * time.Second

// retryer returns the SDK's retryer. Calls with the same settings share one, since it counts how many calls
// of a process fail.
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
	var made aws.RetryerV2
	if r.mode == string(aws.RetryModeAdaptive) {
		made = retry.NewAdaptiveMode(func(o *retry.AdaptiveModeOptions) {
			o.StandardOptions = append(o.StandardOptions, standard)
		})
	} else {
		made = retry.NewStandard(standard)
	}
	if api.retryers == nil {
		api.retryers = map[retries]aws.RetryerV2{}
	}
	api.retryers[r] = made
	return made
}

// try makes a call, and repeats it as the settings say and where that may help, unless it must not be sent
// twice.
func (api *Client) try(ctx context.Context, r retries, once bool, call func() error) error {
	retryer := api.retryer(r)
	repeated := func(error) error { return nil }
	for n := 1; ; n++ {
		sent, err := retryer.GetAttemptToken(ctx) // in the adaptive mode it waits
		if err != nil {
			return err
		}
		err = call()
		// Their errors are of the count of failures alone, which no call depends on.
		_, _ = sent(err), repeated(err)
		if err == nil || once || n >= retryer.MaxAttempts() || ctx.Err() != nil || !retryer.IsErrorRetryable(err) {
			return err
		}
		var quota error
		if repeated, quota = retryer.GetRetryToken(ctx, err); quota != nil {
			return err
		}
		wait, failed := retryer.RetryDelay(n, err)
		if failed != nil || wait > 0 && api.Sleep(ctx, wait) != nil {
			return err
		}
	}
}

// retryables are the SDK's reasons to try again, and those that its clients add for the services that are
// called here.
func retryables() []retry.IsErrorRetryable {
	return append(slices.Clone(retry.DefaultRetryables),
		retry.RetryableErrorCode{Codes: map[string]struct{}{"IDPCommunicationError": {}}},
		retry.IsErrorRetryableFunc(func(err error) aws.Ternary {
			if lost(err) || unreached(err) {
				return aws.TrueTernary
			}
			return aws.UnknownTernary
		}),
	)
}

// CodeInvalidToken is how AWS refuses a web identity token.
const CodeInvalidToken = "InvalidIdentityToken"

// unreached reports whether AWS refused a token because it could not fetch the provider's keys just then. The SDK's own
// exchange of tokens tries again, too.
func unreached(err error) bool {
	var no *refusal
	return errors.As(err, &no) && no.code == CodeInvalidToken && strings.Contains(no.message, "Couldn't retrieve verification key")
}

// passes reports whether what went wrong may go better soon.
func passes(err error) bool {
	return retry.IsErrorRetryables(retryables()).IsErrorRetryable(err).Bool()
}

// lost reports whether a connection broke while it was used. The SDK's clients call every such error
// one of the connection; here errors are as net/http returns them.
func lost(err error) bool {
	var sending *url.Error
	var op *net.OpError
	if !errors.As(err, &sending) {
		return false
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &op) && (op.Op == "read" || op.Op == "write")
}
