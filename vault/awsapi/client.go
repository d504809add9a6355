// Package awsapi makes single calls to AWS: signed, bounded in time and size, and repeated where
// that is safe. Which calls are made, and what is kept of their answers, is decided elsewhere.
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

// A Client is what calls have in common. It may be used by many goroutines at once. A function that no call needs
// may be nil.
type Client struct {
	Clock   *Clock
	Network *Network
	Timeout time.Duration                                    // of one call, its retries included; 0 for 30 s
	Sleep   func(ctx context.Context, d time.Duration) error // before a call is tried once more
	Backoff func(attempt int, err error) time.Duration       // how long that takes; nil for the SDK's jittered wait, of up to 5 s
	Tell    func(message string)                             // the user, on something they should know; nil to tell nobody
	Log     *slog.Logger                                     // of what was called, without secrets; nil for none

	lock     sync.Mutex // guards what follows
	told     map[string]bool
	timed    bool // AWS was asked for the time
	retryers map[retries]aws.RetryerV2
}

// An Endpoint says how a service is called in a region.
type Endpoint struct {
	URL       string // explicit; empty for AWS's own
	FIPS      bool
	DualStack bool
	Legacy    bool   // the global STS endpoint, where AWS once defaulted to it
	CABundle  string // a file of roots to trust instead of the system's
	Origin    string // where URL was read

	MaxAttempts int    // how often a call is tried; 0 for three times
	RetryMode   string // standard or adaptive; empty for standard
}

// A Target is where a call goes.
type Target struct {
	Region   string
	Endpoint Endpoint
}

// defaultTimeout is how long one call may take where nothing else is asked for.
const defaultTimeout = 30 * time.Second

// CallTime is how long one call may take at most, its retries included.
func (api *Client) CallTime() time.Duration {
	if api.Timeout > 0 {
		return api.Timeout
	}
	return defaultTimeout
}

// Limit returns a context that ends with the time of one call. [OutOfTime] tells that end from others.
func (api *Client) Limit(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, api.CallTime(), errDeadline)
}

var errDeadline = errors.New("deadline")

// OutOfTime reports whether a context of [Client.Limit] has ended because the time was up.
func OutOfTime(ctx context.Context) bool { return errors.Is(context.Cause(ctx), errDeadline) }

// tellOnce is for what stays true until the process ends.
func (api *Client) tellOnce(message string) {
	api.lock.Lock()
	known := api.told[message]
	if api.told == nil {
		api.told = map[string]bool{}
	}
	api.told[message] = true
	api.lock.Unlock()
	if !known && api.Tell != nil {
		api.Tell(message)
	}
}

func (api *Client) debug(message string, facts ...any) {
	if api.Log != nil {
		api.Log.Debug(message, facts...)
	}
}

// A call is one action of AWS's.
type call struct {
	action  string
	about   string // what it acts on, for errors; may be empty
	place   string // where it goes, for errors
	at      address
	client  *http.Client
	signer  aws.Credentials // none where AWS takes the call unsigned
	secrets []string        // that it carries beside them
	once    bool            // it must not be sent twice
	retries retries
}

// signed makes a call within the deadline. Where AWS refuses the signature because this
// computer's clock is wrong, the clock is corrected and the call is made once more, even
// with a code: AWS looks at nothing else of a call whose signature it refuses.
func (api *Client) signed(ctx context.Context, c call, region string, act func(context.Context) error) error {
	limited, cancel := api.Limit(ctx)
	defer cancel()
	skew, began := api.Clock.Skew(), api.Clock.Local()
	err := act(limited)
	if api.corrected(skew, err) {
		err = act(limited)
	}
	api.debug("called AWS", "action", c.action, "about", c.about, "region", region,
		"took", api.Clock.Local().Sub(began), "error", outcome(err))
	return c.explain(limited, api, err)
}

// unsigned makes a call that nobody signs, within the deadline.
func (api *Client) unsigned(ctx context.Context, c call, act func(context.Context) error) error {
	limited, cancel := api.Limit(ctx)
	defer cancel()
	began := api.Clock.Local()
	err := act(limited)
	api.debug("called "+c.place, "action", c.action, "about", c.about, "took", api.Clock.Local().Sub(began), "error", outcome(err))
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
	return "no answer"
}
