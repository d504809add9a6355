package source

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/smithy-go"

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

// Where EC2 offers its metadata.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-imds-client.html
const (
	metadataURL  = "http://169.254.169.254"
	metadataURL6 = "http://[fd00:ec2::254]"
)

// metadata asks the EC2 instance for the credentials of its role. All that the SDK would
// look up in the process's environment is settled here.
func (d *Deps) metadata(ctx context.Context, s plan.Step) (aws.Credentials, error) {
	if strings.EqualFold(d.env("AWS_EC2_METADATA_DISABLED"), "true") {
		return aws.Credentials{}, &AmbientError{s.Kind, s.Profile, "AWS_EC2_METADATA_DISABLED=true", "the metadata service"}
	}
	endpoint := d.metadataEndpoint()
	u, err := url.Parse(endpoint)
	if err != nil || u.Hostname() == "" || u.User != nil {
		return aws.Credentials{}, &AmbientError{s.Kind, s.Profile, "an AWS_EC2_METADATA_SERVICE_ENDPOINT that is no address", "a URL such as " + metadataURL}
	}
	o := imds.Options{Endpoint: endpoint, HTTPClient: near(nil), Retryer: d.retryer(), ClientEnableState: imds.ClientEnabled}
	if strings.EqualFold(d.env("AWS_EC2_METADATA_V1_DISABLED"), "true") {
		o.EnableFallback = aws.FalseTernary
	}
	provider := ec2rolecreds.New(func(p *ec2rolecreds.Options) { p.Client = imds.New(o) })
	return d.fetch(ctx, call{action: string(s.Kind) + " of profile " + s.Profile, place: site(u)}, provider)
}

func (d *Deps) metadataEndpoint() string {
	if endpoint := d.env("AWS_EC2_METADATA_SERVICE_ENDPOINT"); endpoint != "" {
		return endpoint
	}
	if strings.EqualFold(d.env("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"), "IPv6") {
		return metadataURL6
	}
	return metadataURL
}

// fetch asks an endpoint on or near this machine, within the deadline.
func (d *Deps) fetch(ctx context.Context, c call, provider aws.CredentialsProvider) (aws.Credentials, error) {
	limited, cancel := context.WithTimeoutCause(ctx, d.timeout(), errDeadline)
	defer cancel()
	creds, err := provider.Retrieve(limited)
	d.debug("asked for credentials", "of", c.action, "at", c.place, "error", outcome(err))
	switch {
	case err == nil:
		return creds, nil
	case limited.Err() == nil && refused(err):
		return aws.Credentials{}, c.refusal(err, "", "") // the page beside the status is nobody's message
	case limited.Err() == nil && !understood(err):
		// What the parser says may quote the answer.
		return aws.Credentials{}, fmt.Errorf("%s: %s answered with something that is not credentials", c.action, c.place)
	}
	return aws.Credentials{}, d.explain(limited, c, err)
}

// refused reports whether an endpoint answered with a status alone.
func refused(err error) bool {
	var api smithy.APIError
	if errors.As(err, &api) && api.ErrorCode() != "" {
		return false
	}
	return status(err) >= http.StatusMultipleChoices
}

// understood reports whether explain knows what err is.
func understood(err error) bool {
	var api smithy.APIError
	var foreign *NotAWSError
	var sending *url.Error
	return errors.As(err, &api) || errors.As(err, &foreign) || errors.As(err, &sending)
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
