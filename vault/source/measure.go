package source

import (
	"context"
	"errors"
	"net/http"
	"time"

	"aws-vault/vault/plan"
)

// dated learns the time from an answer that refuses what was signed when the skew was was, and
// reports whether to sign again. Roles Anywhere has no word of its own for a wrong time, so that
// each of its refusals is looked at; whose are believed is as for believedDate.
func (d *Deps) dated(was time.Duration, err error) bool {
	var no *refusal
	if !errors.As(err, &no) || !no.proven || no.code == "" {
		return false
	}
	date, parseErr := http.ParseTime(no.date)
	return parseErr == nil && d.set(was, date)
}

// set takes AWS's time, says so, and reports whether to sign again.
func (d *Deps) set(was time.Duration, date time.Time) bool {
	set, again := d.Clock.adopt(was, date)
	if set {
		d.tellOnce("this computer's clock is " + off(d.Clock.Skew()))
	}
	return again
}

// measure asks AWS for the time, once: before anything is signed by a card, since that may cost
// a touch which a refusal for the time would waste, and where a refusal may be for the time. Where the time is not told, or not by AWS,
// the computer's clock stands.
func (d *Deps) measure(ctx context.Context, e plan.Endpoint, address string) {
	d.lock.Lock()
	known := d.timed
	d.timed = true
	d.lock.Unlock()
	if known {
		return
	}
	hc, err := d.clientFor(e, formJSON)
	if err != nil {
		return
	}
	limited, cancel := context.WithTimeout(ctx, d.timeout())
	defer cancel()
	resp, err := d.head(limited, hc, address)
	if err != nil {
		d.debug("AWS was asked for the time and did not answer", "address", siteOf(address))
		return
	}
	date, err := http.ParseTime(resp.Header.Get("Date"))
	if err == nil && proven(resp.Request.URL, resp.TLS != nil) && resp.Header.Get("X-Amzn-Requestid") != "" {
		d.set(d.Clock.Skew(), date)
	}
}
