package signin

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A DeviceCode is what a person signs in with on a machine of their choice.
// https://www.rfc-editor.org/rfc/rfc8628#section-3.2
type DeviceCode struct {
	Secret   string        // what this program polls with
	User     string        // what the person types
	URL      string        // where
	Complete string        // the same with the code filled in; may be empty
	Lasts    time.Duration // from now on
	Interval time.Duration // between two polls; 0 for five seconds
}

// The waits between two polls: what the standard says where the server does not, what a
// server that is asked too often adds, and the most that is believed of one.
// https://www.rfc-editor.org/rfc/rfc8628#section-3.5
const (
	defaultInterval = 5 * time.Second
	slowDownStep    = 5 * time.Second
	maxInterval     = time.Minute
	maxLifetime     = time.Hour
)

// WithDeviceCode polls until the person has signed in. poll returns ErrPending or ErrSlowDown to
// be called again; any other error ends the sign-in and is returned, and so is an
// ErrTimeout once the code has expired, and the cause of ctx's end. sleep waits, and
// returns early with that cause.
func WithDeviceCode[T any](ctx context.Context, d DeviceCode, poll func(context.Context) (T, error), sleep func(context.Context, time.Duration) error) (T, error) {
	var none T
	interval := d.Interval
	if interval <= 0 {
		interval = defaultInterval
	}
	interval = min(interval, maxInterval)
	for waited := interval; waited <= min(d.Lasts, maxLifetime); waited += interval {
		if err := sleep(ctx, interval); err != nil {
			return none, err
		}
		got, err := poll(ctx)
		switch {
		case errors.Is(err, ErrSlowDown):
			interval = min(interval+slowDownStep, maxInterval)
		case !errors.Is(err, ErrPending):
			return got, err
		}
	}
	return none, fmt.Errorf("%w: the code %s has expired", ErrTimeout, d.User)
}
