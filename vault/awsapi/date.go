package awsapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// CheckProxy checks whether a call is possible, without sending anything: the endpoint and the proxy setting must be
// valid, and the CA bundle must be readable. If no call is possible, it returns the error that a call would return.
// Otherwise it returns the proxy's scheme and host, or "" if there is no proxy.
func (s STS) CheckProxy() (proxy string, err error) {
	if err := s.Check(); err != nil {
		return "", err
	}
	r, err := http.NewRequest(http.MethodHead, s.EndpointName(), nil)
	if err != nil {
		return "", fmt.Errorf("%s is not a valid URL", s.EndpointName())
	}
	u, err := s.Client.Network.proxy(r)
	if err != nil || u == nil {
		return "", err
	}
	return BaseOf(u), nil
}

// Date requests the time from STS with an unsigned, empty request. Its errors are like those of a signed call. Date
// does not check whether the response is from AWS: without TLS, it may come from another server.
func (s STS) Date(ctx context.Context) (time.Time, error) {
	if err := s.Check(); err != nil {
		return time.Time{}, err
	}
	c := call{action: "requesting the time", endpoint: s.EndpointName()}
	limited, cancel := s.Client.WithTimeout(ctx)
	defer cancel()
	resp, err := s.Client.head(limited, s.Target.Endpoint.CABundle, c.endpoint) //nolint:bodyclose // head closes it
	if err != nil {
		return time.Time{}, c.explain(limited, s.Client, err)
	}
	date, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		return time.Time{}, fmt.Errorf("no date in the response from %s", c.endpoint)
	}
	return date, nil
}

// head sends an unsigned HEAD request and returns the response, which has no body. It fails with a [*url.Error],
// or with an error about the CA bundle.
func (api *Client) head(ctx context.Context, bundle, address string) (*http.Response, error) {
	return api.roundTrip(ctx, http.MethodHead, bundle, address)
}

// roundTrip sends an unsigned request without a body. It closes the response's body unread, and follows no redirects.
func (api *Client) roundTrip(ctx context.Context, method, bundle, address string) (*http.Response, error) {
	transport, err := api.Network.Transport(bundle)
	if err != nil {
		return nil, err
	}
	failed := func(err error) error { return &url.Error{Op: method, URL: address, Err: err} }
	r, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		return nil, failed(errAddress)
	}
	r.Header.Set("User-Agent", "aws-vault")
	resp, err := transport.RoundTrip(r)
	if err != nil {
		return nil, failed(err)
	}
	resp.Body.Close()
	resp.Request = r
	return resp, nil
}

var errAddress = errors.New("invalid URL")
