package source

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/vault/plan"
)

// Where EC2 offers its metadata.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-imds-client.html
const (
	metadataURL  = "http://169.254.169.254"
	metadataURL6 = "http://[fd00:ec2::254]"
)

// rolesPath lists the instance's role, and has its credentials below.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-security-credentials.html
const rolesPath = "/latest/meta-data/iam/security-credentials/"

// metadata asks the EC2 instance for the credentials of its role.
func (d *Deps) metadata(ctx context.Context, s plan.Step) (aws.Credentials, error) {
	if strings.EqualFold(d.env("AWS_EC2_METADATA_DISABLED"), "true") {
		return aws.Credentials{}, &AmbientError{s.Kind, s.Profile, "AWS_EC2_METADATA_DISABLED=true", "the metadata service"}
	}
	endpoint := d.MetadataAddress()
	u, err := url.Parse(endpoint)
	if err != nil || u.Hostname() == "" || u.User != nil {
		return aws.Credentials{}, &AmbientError{s.Kind, s.Profile, "an AWS_EC2_METADATA_SERVICE_ENDPOINT that is no address", "a URL such as " + metadataURL}
	}
	i := instance{deps: d, hc: near(nil), url: strings.TrimRight(endpoint, "/")}
	return d.fetch(ctx, call{action: string(s.Kind) + " of profile " + s.Profile, place: site(u)}, i.credentials)
}

// MetadataAddress is where EC2's metadata service is.
func (d *Deps) MetadataAddress() string {
	if endpoint := d.env("AWS_EC2_METADATA_SERVICE_ENDPOINT"); endpoint != "" {
		return endpoint
	}
	if strings.EqualFold(d.env("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"), "IPv6") {
		return metadataURL6
	}
	return metadataURL
}

// An instance is one that is asked about itself.
type instance struct {
	deps  *Deps
	hc    *http.Client
	url   string
	token string // shown with every question; empty where none is wanted
}

func (i instance) credentials(ctx context.Context) (aws.Credentials, error) {
	var err error
	if i.token, err = i.session(ctx); err != nil {
		return aws.Credentials{}, err
	}
	roles, err := i.ask(ctx, http.MethodGet, rolesPath, map[string]string{"X-Aws-Ec2-Metadata-Token": i.token})
	if err != nil {
		return aws.Credentials{}, err
	}
	role, _, _ := strings.Cut(strings.TrimSpace(string(roles.body)), "\n")
	if role = strings.TrimSpace(role); role == "" {
		return aws.Credentials{}, errNoCredentials
	}
	got, err := i.ask(ctx, http.MethodGet, rolesPath+url.PathEscape(role), map[string]string{"X-Aws-Ec2-Metadata-Token": i.token})
	if err != nil {
		return aws.Credentials{}, err
	}
	return readCredentials(got.body)
}

// session asks for the token that the service's second version wants. Where that is not
// offered, the first is spoken, unless that is forbidden. A packet that may not leave the
// instance's own network stack is dropped, so that silence says the same.
func (i instance) session(ctx context.Context) (string, error) {
	got, err := i.ask(ctx, http.MethodPut, "/latest/api/token", map[string]string{"X-Aws-Ec2-Metadata-Token-Ttl-Seconds": "300"})
	if err == nil {
		return string(got.body), nil
	}
	if strings.EqualFold(i.deps.env("AWS_EC2_METADATA_V1_DISABLED"), "true") {
		return "", err
	}
	var no *refusal
	var sending *url.Error
	switch {
	case errors.As(err, &no) && (no.status == http.StatusNotFound || no.status == http.StatusForbidden || no.status == http.StatusMethodNotAllowed):
		return "", nil
	case ctx.Err() == nil && errors.As(err, &sending) && sending.Timeout():
		return "", nil
	}
	return "", err
}

func (i instance) ask(ctx context.Context, method, path string, header map[string]string) (got answer, err error) {
	err = i.deps.try(ctx, false, func() (err error) {
		got, err = i.deps.send(ctx, i.hc, request{method: method, url: i.url + path, header: header}, unsaid)
		return err
	})
	return got, err
}

// unsaid is for a refusal whose page is nobody's message.
func unsaid(*refusal, http.Header, []byte) {}
