package source

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"aws-vault/vault/plan"
)

// Reachable says whether a call may go there, without making it: the endpoint is one, the
// proxy and the roots can be read. It fails as Make does. The proxy comes back as scheme and
// host; empty for none.
func (d *Deps) Reachable(at plan.Call) (proxy string, err error) {
	s := plan.Step{Region: at.Region, Endpoint: at.Endpoint}
	if _, err := d.prepare(call{step: s}); err != nil {
		return "", err
	}
	r, err := http.NewRequest(http.MethodHead, place(s), nil)
	if err != nil {
		return "", fmt.Errorf("%s cannot be called", place(s))
	}
	u, err := d.proxy(r)
	if err != nil || u == nil {
		return "", err
	}
	return site(u), nil
}

// Date asks STS for the time, with one request that nobody signs and that says nothing. It
// fails as Make does. The answer is not looked at, so that it may be anybody's where the
// connection is not encrypted.
func (d *Deps) Date(ctx context.Context, at plan.Call) (time.Time, error) {
	c := call{action: "asking the time", step: plan.Step{Region: at.Region, Endpoint: at.Endpoint}}
	hc, err := d.prepare(c)
	if err != nil {
		return time.Time{}, err
	}
	c.place = place(c.step)
	limited, cancel := context.WithTimeoutCause(ctx, d.timeout(), errDeadline)
	defer cancel()
	resp, err := d.head(limited, hc, c.place)
	if err != nil {
		return time.Time{}, d.explain(limited, c, err)
	}
	date, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		return time.Time{}, fmt.Errorf("%s answered without a date", c.place)
	}
	return date, nil
}

// head sends a request that says nothing and that nobody signs, and returns the head of the
// answer. Its error is a [*url.Error].
func (d *Deps) head(ctx context.Context, hc *http.Client, address string) (*http.Response, error) {
	failed := func(err error) error { return &url.Error{Op: http.MethodHead, URL: address, Err: err} }
	r, err := http.NewRequestWithContext(ctx, http.MethodHead, address, nil)
	if err != nil {
		return nil, failed(errAddress)
	}
	r.Header.Set("User-Agent", "aws-vault")
	resp, err := hc.Transport.(*checked).next.RoundTrip(r) // what answers a HEAD has no body to check
	if err != nil {
		return nil, failed(err)
	}
	resp.Body.Close()
	resp.Request = r
	return resp, nil
}

var errAddress = errors.New("the address cannot be called")
