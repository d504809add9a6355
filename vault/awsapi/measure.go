package awsapi

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// anyDate returns the date of any refusal of AWS's. Roles Anywhere has no word of its own for a wrong time, so that
// each of its refusals is looked at; whose are believed is as for believedDate.
func anyDate(err error) (time.Time, bool) {
	var no *refusal
	if !errors.As(err, &no) || !no.proven || no.code == "" {
		return time.Time{}, false
	}
	date, parseErr := http.ParseTime(no.date)
	return date, parseErr == nil
}

// set takes AWS's time, says so, and reports whether to sign again.
func (api *Client) set(was time.Duration, date time.Time) bool {
	set, again := api.Clock.adopt(was, date)
	if set {
		api.tellOnce("this computer's clock is " + off(api.Clock.Skew()))
	}
	return again
}

// measure asks AWS for the time, once: before anything is signed by a card, since that may cost
// a touch which a refusal for the time would waste, and where a refusal may be for the time. Where the time is
// not told, or not by AWS, the computer's clock stands.
func (api *Client) measure(ctx context.Context, bundle, address string) {
	api.lock.Lock()
	known := api.timed
	api.timed = true
	api.lock.Unlock()
	if known {
		return
	}
	if _, err := api.Transport(bundle); err != nil {
		return
	}
	limited, cancel := context.WithTimeout(ctx, api.CallTime())
	defer cancel()
	resp, err := api.head(limited, bundle, address)
	if err != nil {
		api.debug("AWS was asked for the time and did not answer", "address", siteOf(address))
		return
	}
	date, err := http.ParseTime(resp.Header.Get("Date"))
	if err == nil && proven(resp.Request.URL, resp.TLS != nil) && resp.Header.Get("X-Amzn-Requestid") != "" {
		api.set(api.Clock.Skew(), date)
	}
}

// MeasureClock asks AWS for the time, once in a process, and corrects the clock by it. Where AWS does not answer, the
// computer's clock stands.
func (s STS) MeasureClock(ctx context.Context) {
	s.Client.measure(ctx, s.At.Endpoint.CABundle, s.Place())
}
