package signin

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A DeviceCode is a code that the user enters in a browser on any machine.
// https://www.rfc-editor.org/rfc/rfc8628#section-3.2
type DeviceCode struct {
	Secret   string        // device_code, which this program sends with each poll
	User     string        // user_code, which the user types
	URL      string        // page where the user types the code
	Complete string        // the same page with the code filled in; may be empty
	Lasts    time.Duration // remaining lifetime of the code
	Interval time.Duration // time between two polls; 0 means 5 s
}

// Times for polling: the default interval, the increase after a slow_down response, and upper limits for the interval
// and the lifetime that a server sends.
// https://www.rfc-editor.org/rfc/rfc8628#section-3.5
const (
	defaultInterval = 5 * time.Second
	slowDownStep    = 5 * time.Second
	maxInterval     = time.Minute
	maxLifetime     = time.Hour
)

// WithDeviceCode polls until the user has signed in. It calls poll again while poll returns ErrPending,
// ErrSlowDown or a [*TemporaryError], and returns any other result of poll. After each TemporaryError, it doubles
// the time until the next poll. When the code has expired, WithDeviceCode returns ErrTimeout. If ctx ends, it
// returns the cause. The function sleep waits for a duration or until ctx ends.
func WithDeviceCode[T any](ctx context.Context, d DeviceCode, poll func(context.Context) (T, error), sleep func(context.Context, time.Duration) error) (T, error) {
	var zero T
	interval := d.Interval
	if interval <= 0 {
		interval = defaultInterval
	}
	interval = min(interval, maxInterval)
	wait := interval
	var failure *TemporaryError // result of the last poll; nil if the service answered it
	for waited := wait; waited <= min(d.Lasts, maxLifetime); waited += wait {
		if err := sleep(ctx, wait); err != nil {
			return zero, err
		}
		got, err := poll(ctx)
		if errors.As(err, &failure) {
			wait = min(2*wait, maxInterval)
			continue
		}
		failure = nil
		switch {
		case errors.Is(err, ErrSlowDown):
			interval = min(interval+slowDownStep, maxInterval)
		case !errors.Is(err, ErrPending):
			return got, err
		}
		wait = interval
	}
	if failure != nil {
		return zero, fmt.Errorf("%w: the code %s has expired; the last poll failed: %w", ErrTimeout, d.User, failure)
	}
	return zero, fmt.Errorf("%w: the code %s has expired", ErrTimeout, d.User)
}
