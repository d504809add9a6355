package awsapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// Reachable says whether a call can be made, without making it: the endpoint is one, the
// proxy and the roots can be read. It fails as a call does. The proxy comes back as scheme and
// host; empty for none.
func (s STS) Reachable() (proxy string, err error) {
	if err := s.Check(); err != nil {
		return "", err
	}
	r, err := http.NewRequest(http.MethodHead, s.Place(), nil)
	if err != nil {
		return "", fmt.Errorf("%s cannot be called", s.Place())
	}
	u, err := s.Client.Network.proxy(r)
	if err != nil || u == nil {
		return "", err
	}
	return Site(u), nil
}

// Date asks STS for the time, with one request that nobody signs and that says nothing. It
// fails as a call does. The answer is not looked at, so that it may be anybody's where the
// connection is not encrypted.
func (s STS) Date(ctx context.Context) (time.Time, error) {
	if err := s.Check(); err != nil {
		return time.Time{}, err
	}
	c := call{action: "asking the time", place: s.Place()}
	limited, cancel := s.Client.Limit(ctx)
	defer cancel()
	resp, err := s.Client.head(limited, s.At.Endpoint.CABundle, c.place) //nolint:bodyclose // head closes it
	if err != nil {
		return time.Time{}, c.explain(limited, s.Client, err)
	}
	date, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		return time.Time{}, fmt.Errorf("%s answered without a date", c.place)
	}
	return date, nil
}

// head sends a request that says nothing and that nobody signs, and returns the head of the
// answer, which has no body to check. Its error is a [*url.Error], or of the bundle of roots.
func (api *Client) head(ctx context.Context, bundle, address string) (*http.Response, error) {
	return api.once(ctx, http.MethodHead, bundle, address)
}

// once is head with another method. The body is not read, and no redirect is followed.
func (api *Client) once(ctx context.Context, method, bundle, address string) (*http.Response, error) {
	path, err := api.Network.Transport(bundle)
	if err != nil {
		return nil, err
	}
	failed := func(err error) error { return &url.Error{Op: method, URL: address, Err: err} }
	r, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		return nil, failed(errAddress)
	}
	r.Header.Set("User-Agent", "aws-vault")
	resp, err := path.RoundTrip(r)
	if err != nil {
		return nil, failed(err)
	}
	resp.Body.Close()
	resp.Request = r
	return resp, nil
}

var errAddress = errors.New("the address cannot be called")
