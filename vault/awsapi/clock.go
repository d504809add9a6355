package awsapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// A Clock tells the time as AWS does, as far as that is known.
type Clock struct {
	Local func() time.Time // the computer's own clock

	lock  sync.Mutex
	skew  time.Duration // 0 for an error that signatures bear
	exact time.Duration // the whole error, as far as it was measured
}

// Now is the time by AWS's clock.
func (c *Clock) Now() time.Time { return c.Local().Add(c.Skew()) }

// Skew is AWS's clock minus this computer's; zero while AWS has not objected to it.
func (c *Clock) Skew() time.Duration {
	c.lock.Lock()
	defer c.lock.Unlock()
	return c.skew
}

// Exact is the time by AWS's clock as it was measured last, to the second: for a proof that bears less than signatures do.
func (c *Clock) Exact() time.Time { return c.Local().Add(c.Offset()) }

// Offset is AWS's clock minus this computer's, as it was measured last.
func (c *Clock) Offset() time.Duration {
	c.lock.Lock()
	defer c.lock.Unlock()
	return c.exact
}

// maxSkew is how wrong AWS lets a signer's clock be.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/signing-elements.html
const maxSkew = 5 * time.Minute

// minSkew is the error that is worth correcting: an answer's date is a second coarse and
// as late as the network is slow.
const minSkew = maxSkew - time.Minute

// adopt learns AWS's time from the answer to a request that was signed when the skew was
// was. It reports whether the clock was set, and whether it has changed since that
// signature, be it by another call: only then is it worth signing again. A clock that the
// computer has mended meanwhile is taken back the same way.
func (c *Clock) adopt(was time.Duration, date time.Time) (set, again bool) {
	c.lock.Lock()
	defer c.lock.Unlock()
	measured := date.Sub(c.Local()).Round(time.Second)
	c.exact = measured
	if measured.Abs() < minSkew {
		measured = 0
	}
	if set = (measured - c.skew).Abs() >= minSkew; set {
		c.skew = measured
	}
	return set, (c.skew - was).Abs() >= minSkew
}

// corrected learns the time from an answer that refuses a signature made when the skew
// was was, and reports whether to sign again.
func (api *Client) corrected(was time.Duration, err error) bool {
	date, ok := believedDate(err)
	if !ok {
		return false
	}
	return api.set(was, date)
}

// believedDate returns the date of AWS's answer, where that refuses a signature. It is
// believed if it came over TLS, whose certificate was checked, or from this machine:
// else anyone on the way could turn the clock and replay what was signed.
func believedDate(err error) (time.Time, bool) {
	var no *refusal
	if !errors.As(err, &no) || !no.proven {
		return time.Time{}, false
	}
	switch no.code {
	case "SignatureDoesNotMatch", "RequestExpired", "RequestTimeTooSkewed", "AuthFailure", "InvalidSignatureException":
		date, parseErr := http.ParseTime(no.date)
		return date, parseErr == nil
	}
	return time.Time{}, false
}

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

// leastOffset is the error of a clock that an answer's date shows: a date is a second coarse and as late as the network is
// slow.
const leastOffset = 5 * time.Second

// setExact takes AWS's time from a refusal of what was made when the offset was was. It reports whether the time differs
// enough to have been the reason, and then says so.
func (api *Client) setExact(was time.Duration, date time.Time) bool {
	api.Clock.adopt(api.Clock.Skew(), date)
	now := api.Clock.Offset()
	if (now - was).Abs() < leastOffset {
		return false
	}
	api.tellOnce("this computer's clock is " + off(now))
	return true
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
	if _, err := api.Network.Transport(bundle); err != nil {
		return
	}
	limited, cancel := context.WithTimeout(ctx, api.CallTime())
	defer cancel()
	resp, err := api.head(limited, bundle, address) //nolint:bodyclose // head closes it
	if err != nil {
		api.debug("AWS was asked for the time and did not answer", "address", siteOf(address))
		return
	}
	date, err := http.ParseTime(resp.Header.Get("Date"))
	from := resp.Request.URL
	if err == nil && proven(from, resp.TLS != nil) && (resp.Header.Get("X-Amzn-Requestid") != "" || isAWS(from.Hostname())) {
		api.set(api.Clock.Skew(), date)
	}
}

// MeasureClock asks AWS for the time, once in a process, and corrects the clock by it. Where AWS does not answer, the
// computer's clock stands.
func (s STS) MeasureClock(ctx context.Context) {
	s.Client.measure(ctx, s.At.Endpoint.CABundle, s.Place())
}

func off(skew time.Duration) string {
	switch {
	case skew == 0:
		return "right again"
	case skew < 0:
		return fmt.Sprintf("%s ahead of AWS's; AWS's time is used", -skew)
	}
	return fmt.Sprintf("%s behind AWS's; AWS's time is used", skew)
}
