// Package awsapi makes single calls to AWS. It signs the calls, limits their time and the size of their responses,
// and repeats failed calls if that is safe. Other packages decide which calls to make, and cache the results.
package awsapi

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// A Client holds the settings and state that all calls share. It is safe for concurrent use.
type Client struct {
	Clock   *Clock
	Network *Network
	Timeout time.Duration                                    // timeout of one call, including its retries; 0 means 30 s
	Sleep   func(ctx context.Context, d time.Duration) error // waits before a retry; may be nil if no call is retried
	Backoff func(attempt int, err error) time.Duration       // nil means the SDK's random waits of up to 5 s
	Notify  func(message string)                             // shows a notice to the user; may be nil
	Log     *slog.Logger                                     // logs calls without secrets; may be nil

	lock          sync.Mutex // guards the fields below
	notified      map[string]bool
	clockMeasured bool // whether measureClock received a response
	retryers      map[retries]aws.RetryerV2
}

// An Endpoint holds the settings that decide how a service is called.
type Endpoint struct {
	URL       string // URL that the user has set; empty for AWS's own endpoint
	FIPS      bool
	DualStack bool
	Legacy    bool   // whether sts_regional_endpoints = legacy is set: some regions then use the global STS endpoint
	CABundle  string // file of root certificates that replace the system's root certificates
	Origin    string // place where URL is set, such as ~/.aws/config:3, for messages
	PlainHTTP bool   // whether the user allows plain HTTP to the host of URL

	MaxAttempts int    // maximum number of attempts; 0 means 3
	RetryMode   string // "standard" or "adaptive"; empty means "standard"
}

// A Target is the region and endpoint of a call.
type Target struct {
	Region   string
	Endpoint Endpoint
}

// defaultTimeout is the timeout of one call if [Client.Timeout] is 0.
const defaultTimeout = 30 * time.Second

// CallTimeout returns the timeout of one call, including its retries.
func (api *Client) CallTimeout() time.Duration {
	if api.Timeout > 0 {
		return api.Timeout
	}
	return defaultTimeout
}

// WithTimeout returns a context with the timeout of one call. [TimedOut] reports whether that timeout has passed.
func (api *Client) WithTimeout(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, api.CallTimeout(), errDeadline)
}

var errDeadline = errors.New("deadline")

// TimedOut reports whether a context of [Client.WithTimeout] ended because its timeout passed.
func TimedOut(ctx context.Context) bool { return errors.Is(context.Cause(ctx), errDeadline) }

// notifyOnce shows a notice to the user, unless this Client has already shown the same text.
func (api *Client) notifyOnce(message string) {
	api.lock.Lock()
	alreadySent := api.notified[message]
	if api.notified == nil {
		api.notified = map[string]bool{}
	}
	api.notified[message] = true
	api.lock.Unlock()
	if !alreadySent && api.Notify != nil {
		api.Notify(message)
	}
}

func (api *Client) debug(message string, facts ...any) {
	if api.Log != nil {
		api.Log.Debug(message, facts...)
	}
}

// A call describes one call of an AWS action.
type call struct {
	action   string
	resource string // what the action applies to, such as a role, for errors; may be empty
	endpoint string // name of the endpoint, for errors
	address  address
	client   *http.Client
	signer   aws.Credentials // credentials for the signature; empty for an unsigned call
	secrets  []string        // further secrets in the request, which are removed from error texts
	once     bool            // whether a failed call must not be retried
	retries  retries
}

// signed runs the function act, which makes a signed call, within the timeout of one call. If AWS refuses the signature
// because this computer's clock is wrong, signed corrects the clock and runs act once more. That is safe even
// for a request with an MFA code: AWS checks the signature first, so the code is not used up.
func (api *Client) signed(ctx context.Context, c call, region string, act func(context.Context) error) error {
	limited, cancel := api.WithTimeout(ctx)
	defer cancel()
	skew, began := api.Clock.Skew(), api.Clock.Local()
	err := act(limited)
	if api.correctClock(skew, err) {
		err = act(limited)
	}
	api.debug("called AWS", "action", c.action, "about", c.resource, "region", region,
		"took", api.Clock.Local().Sub(began), "error", outcome(err))
	return c.explain(limited, api, err)
}

// unsigned runs the function act, which makes an unsigned call, within the timeout of one call.
func (api *Client) unsigned(ctx context.Context, c call, act func(context.Context) error) error {
	limited, cancel := api.WithTimeout(ctx)
	defer cancel()
	began := api.Clock.Local()
	err := act(limited)
	api.debug("called "+c.endpoint, "action", c.action, "about", c.resource, "took", api.Clock.Local().Sub(began), "error", outcome(err))
	return c.explain(limited, api, err)
}

func outcome(err error) string {
	var no *refusal
	switch {
	case err == nil:
		return ""
	case errors.As(err, &no):
		return no.code
	}
	return "no response"
}
