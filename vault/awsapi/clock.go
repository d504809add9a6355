package awsapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// A Clock returns AWS's time, computed from this computer's time and the measured difference.
type Clock struct {
	Local func() time.Time // this computer's clock

	lock   sync.Mutex
	skew   time.Duration // AWS's clock minus this computer's clock; 0 if too small to matter for signatures
	offset time.Duration // AWS's clock minus this computer's clock, even if small
	noted  time.Duration // largest skew that another process has measured; 0 after a measurement in this process
}

// Now returns the time by AWS's clock, for signatures.
func (c *Clock) Now() time.Time { return c.Local().Add(c.Skew()) }

// NoteSkew notes a skew that another process has measured, such as the skew with which a cached session was created. It
// only affects Latest, because this computer's clock may have been corrected since then.
func (c *Clock) NoteSkew(skew time.Duration) {
	c.lock.Lock()
	defer c.lock.Unlock()
	c.noted = max(c.noted, skew)
}

// Latest returns the latest time that AWS's clock may show. It is later than Now if a larger skew was noted and this
// process has not measured the skew. Use it to decide whether credentials have expired.
func (c *Clock) Latest() time.Time {
	c.lock.Lock()
	defer c.lock.Unlock()
	return c.Local().Add(max(c.skew, c.noted))
}

// Skew returns AWS's clock minus this computer's clock, or zero if the difference is too small to matter for
// signatures.
func (c *Clock) Skew() time.Duration {
	c.lock.Lock()
	defer c.lock.Unlock()
	return c.skew
}

// PreciseNow returns the time by AWS's clock, corrected even by a small difference. DPoP proofs need this time, because
// AWS tolerates a smaller clock error in a proof than in a signature.
func (c *Clock) PreciseNow() time.Time { return c.Local().Add(c.Offset()) }

// Offset returns AWS's clock minus this computer's clock, as last measured.
func (c *Clock) Offset() time.Duration {
	c.lock.Lock()
	defer c.lock.Unlock()
	return c.offset
}

// maxSkew is the largest clock error that AWS accepts in a signature.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/signing-elements.html
const maxSkew = 5 * time.Minute

// minSkew is the smallest clock error that is corrected. It is less than maxSkew because the Date header of a
// response is only precise to a second, and arrives late on a slow network.
const minSkew = maxSkew - time.Minute

// update sets the offset and the skew from the date of a response. usedSkew is the skew with which the request was
// signed. The result set reports whether update changed the skew. The result resign reports whether the skew now
// differs from usedSkew. If it does, the caller must sign the request again. The result resign can be true although
// the result set is false, because another call may have changed the skew. If this computer's clock has become
// correct, update sets the skew to zero.
func (c *Clock) update(usedSkew time.Duration, date time.Time) (set, resign bool) {
	c.lock.Lock()
	defer c.lock.Unlock()
	measured := date.Sub(c.Local()).Round(time.Second)
	c.offset, c.noted = measured, 0
	if measured.Abs() < minSkew {
		measured = 0
	}
	if set = (measured - c.skew).Abs() >= minSkew; set {
		c.skew = measured
	}
	return set, (c.skew - usedSkew).Abs() >= minSkew
}

// correctClock sets the clock if err is AWS's refusal of a signature. usedSkew is the skew with which the refused
// request was signed. correctClock reports whether to sign the request again.
func (api *Client) correctClock(usedSkew time.Duration, err error) bool {
	date, ok := trustedDate(err)
	if !ok {
		return false
	}
	return api.setClock(usedSkew, date)
}

// trustedDate returns the date of a response in which AWS refuses a signature. It accepts only a date that came over
// TLS or from this computer. Otherwise an attacker on the network could change the clock and replay signed requests.
func trustedDate(err error) (time.Time, bool) {
	var refused *refusal
	if !errors.As(err, &refused) || !refused.authenticated {
		return time.Time{}, false
	}
	switch refused.code {
	case "SignatureDoesNotMatch", "RequestExpired", "RequestTimeTooSkewed", "AuthFailure", "InvalidSignatureException":
		date, parseErr := http.ParseTime(refused.date)
		return date, parseErr == nil
	}
	return time.Time{}, false
}

// refusalDate returns the date of a refusal with any error code. Like trustedDate, it accepts only a date that came
// over TLS or from this computer. Only calls of Roles Anywhere use refusalDate, because Roles Anywhere has no error
// code for a wrong time.
func refusalDate(err error) (time.Time, bool) {
	var refused *refusal
	if !errors.As(err, &refused) || !refused.authenticated || refused.code == "" {
		return time.Time{}, false
	}
	date, parseErr := http.ParseTime(refused.date)
	return date, parseErr == nil
}

// setClock sets the skew from AWS's date, and reports whether to sign the request again. If the skew has changed,
// setClock notifies the user.
func (api *Client) setClock(usedSkew time.Duration, date time.Time) bool {
	set, resign := api.Clock.update(usedSkew, date)
	if set {
		api.notifyOnce("this computer's clock is " + describeSkew(api.Clock.Skew()))
	}
	return resign
}

// minOffset is the smallest clock error that a Date header can prove: the header is precise only to a second, and
// arrives late on a slow network.
const minOffset = 5 * time.Second

// setPreciseClock sets the offset from date, the Date header of a response in which AWS refused a DPoP proof.
// usedOffset is the offset with which the proof was created. If the clock error may be the reason for the refusal,
// setPreciseClock notifies the user and returns true.
func (api *Client) setPreciseClock(usedOffset time.Duration, date time.Time) bool {
	api.Clock.update(api.Clock.Skew(), date)
	offset := api.Clock.Offset()
	if (offset - usedOffset).Abs() < minOffset {
		return false
	}
	api.notifyOnce("this computer's clock is " + describeSkew(offset))
	return true
}

// measureClock requests AWS's time with a HEAD request, and corrects the skew and the offset. After the first
// response on a Client, it sends no more requests. If there is no response, or the response is not from AWS, the
// clock does not change. Callers measure the clock for two reasons: a signature with a wrong time would waste a
// touch of a security key, and some of AWS's errors do not show that the time was wrong.
func (api *Client) measureClock(ctx context.Context, bundle, address string) {
	api.lock.Lock()
	done := api.clockMeasured
	api.lock.Unlock()
	if done {
		return
	}
	if _, err := api.Network.Transport(bundle); err != nil {
		return
	}
	limited, cancel := context.WithTimeout(ctx, api.CallTimeout())
	defer cancel()
	resp, err := api.head(limited, bundle, address) //nolint:bodyclose // head closes resp.Body
	if err != nil {
		api.debug("AWS did not respond to the request for its time", "address", baseOf(address))
		return
	}
	api.lock.Lock()
	api.clockMeasured = true
	api.lock.Unlock()
	date, err := http.ParseTime(resp.Header.Get("Date"))
	requestURL := resp.Request.URL
	if err == nil && isAuthenticated(requestURL, resp.TLS != nil) && (resp.Header.Get("X-Amzn-Requestid") != "" || isAWS(requestURL.Hostname())) {
		api.setClock(api.Clock.Skew(), date)
	}
}

// MeasureClock requests AWS's time, and corrects the clock. If AWS does not respond, the clock does not change,
// and the next call to MeasureClock requests the time again. After the first response, MeasureClock does nothing.
func (s STS) MeasureClock(ctx context.Context) {
	s.Client.measureClock(ctx, s.Target.Endpoint.CABundle, s.EndpointName())
}

func describeSkew(skew time.Duration) string {
	switch {
	case skew == 0:
		return "correct again"
	case skew < 0:
		return fmt.Sprintf("%s ahead of AWS's; AWS's time is used", -skew)
	}
	return fmt.Sprintf("%s behind AWS's; AWS's time is used", skew)
}
