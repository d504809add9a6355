package awsapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds"
	"github.com/aws/smithy-go"
)

// errNoCredentials stands for an answer that cannot be made sense of, and is not quoted.
var errNoCredentials = errors.New("something that is not credentials")

// nearby asks an endpoint on or near this machine, within the deadline.
func (api *Client) nearby(ctx context.Context, c call, ask func(context.Context) (aws.Credentials, error)) (aws.Credentials, error) {
	limited, cancel := api.Limit(ctx)
	defer cancel()
	creds, err := ask(limited)
	api.debug("asked for credentials", "of", c.action, "at", c.place, "error", outcome(err))
	if errors.Is(err, errNoCredentials) {
		return aws.Credentials{}, fmt.Errorf("%s: %s answered with %w", c.action, c.place, err)
	}
	return creds, c.explain(limited, api, err)
}

// A Container is the endpoint that a container is given.
type Container struct {
	URL   *url.URL
	Token string   // empty for none
	Tries Endpoint // its MaxAttempts and RetryMode alone
}

// Container asks the endpoint for credentials, which may be none; see [Flaw]. Errors name it as what.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
func (api *Client) Container(ctx context.Context, what string, at Container) (aws.Credentials, error) {
	var proxy func(*http.Request) (*url.URL, error)
	if at.URL.Scheme == "https" {
		proxy = api.Network.proxy // what goes by plain HTTP goes to this machine, or to nobody
	}
	hc := &nearbyHTTP{client: near(proxy, 5*time.Second), check: checkContainer}
	client := endpointcreds.New(at.URL.String(), func(o *endpointcreds.Options) {
		o.HTTPClient, o.AuthorizationToken = hc, at.Token
		o.Retryer = aws.NopRetryer{} // tries are counted here
	})
	c := call{action: what, place: Site(at.URL), secrets: []string{at.Token}}
	return api.nearby(ctx, c, func(ctx context.Context) (creds aws.Credentials, err error) {
		err = api.try(ctx, at.Tries.retries(), false, func() error {
			creds, err = client.Retrieve(ctx)
			var unread *smithy.DeserializationError // it may quote the answer
			switch {
			case hc.failed != nil:
				return hc.failed
			case errors.As(err, &unread):
				return errNoCredentials
			}
			return err
		})
		creds.Source = "" // it names the SDK's client
		return creds, err
	})
}

// checkContainer reads what the endpoint says of a refusal, if it says it in JSON.
func checkContainer(resp *http.Response, body []byte) error {
	if isSuccess(resp) {
		if whole, begun := formJSON.read(body); !whole || !begun {
			return errNoCredentials
		}
		return nil
	}
	no := &refusal{status: resp.StatusCode}
	readContainerError(no, resp.Header, body)
	return no
}

func readContainerError(e *refusal, h http.Header, body []byte) {
	if mediaType(h) == "application/json" {
		readJSONError(e, h, body)
	}
}

// near is a client for an endpoint on or near this machine, which is there at once or not at all, and begins its
// answer within patience.
func near(proxy func(*http.Request) (*url.URL, error), patience time.Duration) *http.Client {
	return &http.Client{CheckRedirect: NoRedirect, Transport: &bounded{next: &http.Transport{
		Proxy: proxy, MaxResponseHeaderBytes: maxHeader, DisableKeepAlives: true, TLSHandshakeTimeout: 5 * time.Second,
		DialContext: (&net.Dialer{Timeout: time.Second}).DialContext, ResponseHeaderTimeout: patience,
	}}}
}

// bounded is a transport that refuses large answers.
type bounded struct{ next http.RoundTripper }

// RoundTrip returns a [*NotAWSError] for an answer that is too large.
func (t *bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := drain(resp)
	if err != nil {
		return nil, err
	}
	if len(body) > maxAnswer {
		return nil, &NotAWSError{Endpoint: Site(r.URL), Type: mediaType(resp.Header), Size: len(body), Status: resp.StatusCode}
	}
	return resp, nil
}

// nearbyHTTP sends the requests of an SDK's client, one after the other. It notes why the last one failed: the SDK's
// errors leave that out, or quote what was answered.
type nearbyHTTP struct {
	client *http.Client
	check  func(answer *http.Response, body []byte) error // what is wrong with an answer
	failed error
}

// Do sends a request, as the SDK asks. Of an answer that is wrong the SDK sees the status alone: it panics where one in
// JSON is null.
func (h *nearbyHTTP) Do(r *http.Request) (*http.Response, error) {
	r.Header.Set("User-Agent", "aws-vault")
	resp, err := h.client.Do(r)
	if err != nil {
		h.failed = err
		return nil, err
	}
	body, err := drain(resp) // it is in memory: see bounded
	if err != nil {
		return nil, err
	}
	if h.failed = h.check(resp, body); h.failed != nil {
		resp.Header, resp.Body = http.Header{}, io.NopCloser(strings.NewReader("{}"))
	}
	return resp, nil
}

func isSuccess(resp *http.Response) bool { return resp.StatusCode/100 == 2 }
