package source

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

	"aws-vault/vault/plan"
)

// AmbientError is returned where the machine does not offer what a profile's
// credential_source says it does.
type AmbientError struct {
	Kind    plan.Kind
	Profile string
	Found   string
	Want    string
}

func (e *AmbientError) Error() string {
	return fmt.Sprintf("%s of profile %s: found %s, want %s", e.Kind, e.Profile, e.Found, e.Want)
}

// ambient gives what the machine offers of itself.
func (d *Deps) ambient(ctx context.Context, s plan.Step) (aws.Credentials, error) {
	var c aws.Credentials
	var err error
	switch s.Kind {
	case plan.KindEnvironment:
		c = d.environment()
	case plan.KindContainer:
		c, err = d.container(ctx, s)
	default:
		c, err = d.metadata(ctx, s)
	}
	if err != nil {
		return aws.Credentials{}, err
	}
	if found := flaw(c); found != "" {
		return aws.Credentials{}, &AmbientError{s.Kind, s.Profile, found, "an access key of AWS's"}
	}
	return c, nil
}

func (d *Deps) env(name string) string {
	v, _ := d.Getenv(name)
	return v
}

func (d *Deps) environment() aws.Credentials {
	return aws.Credentials{
		AccessKeyID: d.env("AWS_ACCESS_KEY_ID"), SecretAccessKey: d.env("AWS_SECRET_ACCESS_KEY"), SessionToken: d.env("AWS_SESSION_TOKEN"),
	}
}

// errNoCredentials stands for an answer that cannot be made sense of, and is not quoted.
var errNoCredentials = errors.New("something that is not credentials")

// fetch asks an endpoint on or near this machine, within the deadline.
func (d *Deps) fetch(ctx context.Context, c call, ask func(context.Context) (aws.Credentials, error)) (aws.Credentials, error) {
	limited, cancel := context.WithTimeoutCause(ctx, d.timeout(), errDeadline)
	defer cancel()
	creds, err := ask(limited)
	d.debug("asked for credentials", "of", c.action, "at", c.place, "error", outcome(err))
	if errors.Is(err, errNoCredentials) {
		return aws.Credentials{}, fmt.Errorf("%s: %s answered with %w", c.action, c.place, err)
	}
	return creds, d.explain(limited, c, err)
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
	return &http.Client{CheckRedirect: stay, Transport: &bounded{next: &http.Transport{
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
		return nil, &NotAWSError{Endpoint: site(r.URL), Type: mediaType(resp.Header), Size: len(body), Status: resp.StatusCode}
	}
	return resp, nil
}
