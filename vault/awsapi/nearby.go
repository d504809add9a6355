package awsapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
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

// Container asks the endpoint that a container is given for credentials, which may be none; see [Flaw]. Errors name
// it as what.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
func (api *Client) Container(ctx context.Context, what string, at *url.URL, token string) (aws.Credentials, error) {
	c := call{action: what, place: Site(at), secrets: []string{token}}
	var proxy func(*http.Request) (*url.URL, error)
	if at.Scheme == "https" {
		proxy = api.Network.proxy // what goes by plain HTTP goes to this machine, or to nobody
	}
	q := request{method: http.MethodGet, url: at.String(), header: map[string]string{"Accept": "application/json"}}
	if token != "" {
		q.header["Authorization"] = token
	}
	hc := near(proxy)
	return api.nearby(ctx, c, func(ctx context.Context) (aws.Credentials, error) {
		var got answer
		err := api.try(ctx, retries{}, false, func() (err error) {
			got, err = api.send(ctx, hc, q, readContainerError)
			return err
		})
		if err != nil {
			return aws.Credentials{}, err
		}
		return readCredentials(got.body)
	})
}

// readContainerError reads what the endpoint says of a refusal, if it says it in JSON.
func readContainerError(e *refusal, h http.Header, body []byte) {
	if mediaType(h) == "application/json" {
		readJSONError(e, h, body)
	}
}

// readCredentials reads what a container's endpoint and EC2's answer with.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
func readCredentials(body []byte) (aws.Credentials, error) {
	var said struct {
		Code, Message          string // of EC2, which refuses with a success
		AccessKeyID            string `json:"AccessKeyId"`
		SecretAccessKey, Token string
		Expiration             *time.Time
		AccountID              string `json:"AccountId"`
	}
	if json.Unmarshal(body, &said) != nil {
		return aws.Credentials{}, errNoCredentials
	}
	if said.Code != "" && said.Code != "Success" {
		return aws.Credentials{}, &refusal{status: http.StatusOK, code: said.Code, message: said.Message}
	}
	c := aws.Credentials{AccessKeyID: said.AccessKeyID, SecretAccessKey: said.SecretAccessKey, SessionToken: said.Token, AccountID: said.AccountID}
	if said.Expiration != nil {
		c.CanExpire, c.Expires = true, *said.Expiration
	}
	return c, nil
}

// near is a client for an endpoint on or near this machine, which is there at once or not
// at all.
func near(proxy func(*http.Request) (*url.URL, error)) *http.Client {
	return &http.Client{CheckRedirect: NoRedirect, Transport: &bounded{next: &http.Transport{
		Proxy: proxy, MaxResponseHeaderBytes: maxHeader, DisableKeepAlives: true, TLSHandshakeTimeout: 5 * time.Second,
		DialContext: (&net.Dialer{Timeout: time.Second}).DialContext, ResponseHeaderTimeout: 5 * time.Second,
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
