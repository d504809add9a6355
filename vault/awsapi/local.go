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

// errNoCredentials reports a response without readable credentials. The response is not quoted, since it may hold
// secrets.
var errNoCredentials = errors.New("no valid credentials in the response")

// localCredentials runs the function fetch, which calls an endpoint on or near this computer. The timeout of one call
// applies to fetch.
func (api *Client) localCredentials(ctx context.Context, c call, fetch func(context.Context) (aws.Credentials, error)) (aws.Credentials, error) {
	limited, cancel := api.WithTimeout(ctx)
	defer cancel()
	creds, err := fetch(limited)
	api.debug("requested credentials", "of", c.action, "at", c.endpoint, "error", outcome(err))
	if errors.Is(err, errNoCredentials) {
		return aws.Credentials{}, fmt.Errorf("%s: %s: %w", c.action, c.endpoint, err)
	}
	return creds, c.explain(limited, api, err)
}

// A Container holds the settings of the credentials endpoint of a container.
type Container struct {
	URL     *url.URL
	Token   string   // authorization token; may be empty
	Retries Endpoint // only MaxAttempts and RetryMode are used
}

// ContainerCredentials requests credentials from a container's endpoint. The caller must check the credentials with
// [InvalidReason]. Error texts begin with label.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
func (api *Client) ContainerCredentials(ctx context.Context, label string, at Container) (aws.Credentials, error) {
	var proxy func(*http.Request) (*url.URL, error)
	if at.URL.Scheme == "https" {
		proxy = api.Network.proxy // an endpoint with plain HTTP is on this computer and needs no proxy
	}
	hc := &localHTTP{client: localClient(proxy, 5*time.Second), check: checkContainer}
	client := endpointcreds.New(at.URL.String(), func(o *endpointcreds.Options) {
		o.HTTPClient, o.AuthorizationToken = hc, at.Token
		o.Retryer = aws.NopRetryer{} // the function try, below, repeats the call instead
	})
	c := call{action: label, endpoint: BaseOf(at.URL), secrets: []string{at.Token}}
	return api.localCredentials(ctx, c, func(ctx context.Context) (creds aws.Credentials, err error) {
		err = api.try(ctx, at.Retries.retries(), false, func() error {
			creds, err = client.Retrieve(ctx)
			var decodeErr *smithy.DeserializationError // this error may quote the response, so it is not returned
			switch {
			case hc.lastErr != nil:
				return hc.lastErr
			case errors.As(err, &decodeErr):
				return errNoCredentials
			}
			return err
		})
		creds.Source = "" // Retrieve sets Source to the name of the SDK's client
		return creds, err
	})
}

// checkContainer returns an error for an invalid response. It reads the code and message of an error response in JSON.
func checkContainer(resp *http.Response, body []byte) error {
	if isSuccess(resp) {
		if complete, started := formJSON.inspect(body); !complete || !started {
			return errNoCredentials
		}
		return nil
	}
	refused := &refusal{status: resp.StatusCode}
	readContainerError(refused, resp.Header, body)
	return refused
}

func readContainerError(e *refusal, h http.Header, body []byte) {
	if mediaType(h) == "application/json" {
		readJSONError(e, h, body)
	}
}

// localClient returns a client for an endpoint on or near this computer. The connection must be established within 1 s,
// and the response must begin within headerTimeout.
func localClient(proxy func(*http.Request) (*url.URL, error), headerTimeout time.Duration) *http.Client {
	return &http.Client{CheckRedirect: NoRedirect, Transport: &boundedTransport{next: &http.Transport{
		Proxy: proxy, MaxResponseHeaderBytes: maxHeader, DisableKeepAlives: true, TLSHandshakeTimeout: 5 * time.Second,
		DialContext: (&net.Dialer{Timeout: time.Second}).DialContext, ResponseHeaderTimeout: headerTimeout,
	}}}
}

// boundedTransport refuses large responses.
type boundedTransport struct{ next http.RoundTripper }

// RoundTrip returns a [*NotAWSError] if the body of the response has more than maxResponseSize bytes.
func (t *boundedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := readBody(resp)
	if err != nil {
		return nil, err
	}
	if len(body) > maxResponseSize {
		return nil, &NotAWSError{Endpoint: BaseOf(r.URL), MediaType: mediaType(resp.Header), Size: len(body), Status: resp.StatusCode}
	}
	return resp, nil
}

// localHTTP sends the requests of an SDK client, one at a time. It remembers the error of the last request, because
// the SDK's own errors omit the reason or quote the response.
type localHTTP struct {
	client  *http.Client
	check   func(answer *http.Response, body []byte) error // returns an error if the response is invalid
	lastErr error
}

// Do sends a request for the SDK's client. If the response is invalid, Do passes only its status to the SDK, because
// the SDK panics if the response is a JSON null.
func (h *localHTTP) Do(r *http.Request) (*http.Response, error) {
	r.Header.Set("User-Agent", "aws-vault")
	resp, err := h.client.Do(r)
	if err != nil {
		h.lastErr = err
		return nil, err
	}
	body, err := readBody(resp) // this does not fail, because boundedTransport has already read the body
	if err != nil {
		return nil, err
	}
	if h.lastErr = h.check(resp, body); h.lastErr != nil {
		resp.Header, resp.Body = http.Header{}, io.NopCloser(strings.NewReader("{}"))
	}
	return resp, nil
}

func isSuccess(resp *http.Response) bool { return resp.StatusCode/100 == 2 }
