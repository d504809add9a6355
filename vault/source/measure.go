package source

import (
	"context"
	"net/http"
	"time"

	"aws-vault/vault/plan"
)

// dated learns the time from an answer to what was signed when the skew was was, and reports
// whether to sign again. What is believed is as for believedDate.
func (d *Deps) dated(was time.Duration, a answered) bool {
	date, err := http.ParseTime(a.header.Get("Date"))
	if err != nil || !a.heard || a.header.Get("X-Amzn-Requestid") == "" {
		return false
	}
	set, again := d.Clock.adopt(was, date)
	if set {
		d.tellOnce("this computer's clock is " + off(d.Clock.Skew()))
	}
	return again
}

// measure asks AWS for the time, once, before anything is signed by a card: that may cost a
// touch, which a refusal for the time would waste. Where the time is not told, or not by AWS,
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
	r, err := http.NewRequestWithContext(limited, http.MethodHead, address, nil)
	if err != nil {
		return
	}
	resp, err := hc.Transport.(*checked).next.RoundTrip(r) // what answers a HEAD has no body to check
	if err != nil {
		d.debug("AWS was asked for the time and did not answer", "address", siteOf(address))
		return
	}
	resp.Body.Close()
	d.dated(d.Clock.Skew(), answered{header: resp.Header, heard: resp.TLS != nil || isLoopback(r.URL.Hostname())})
}
