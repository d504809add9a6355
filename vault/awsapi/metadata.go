package awsapi

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// rolesPath lists the instance's role, and has its credentials below.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-security-credentials.html
const rolesPath = "/latest/meta-data/iam/security-credentials/"

// Instance asks the EC2 instance for the credentials of its role, which may be none; see [Flaw]. Errors name them as
// what. The first version of the metadata service, which wants no token, is spoken only if mayV1.
func (api *Client) Instance(ctx context.Context, what string, at *url.URL, mayV1 bool) (aws.Credentials, error) {
	i := instance{api: api, http: near(nil), url: strings.TrimRight(at.String(), "/"), mayV1: mayV1}
	return api.nearby(ctx, call{action: what, place: Site(at)}, i.credentials)
}

// An instance is one that is asked about itself.
type instance struct {
	api   *Client
	http  *http.Client
	url   string
	mayV1 bool
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
	if !i.mayV1 {
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
	err = i.api.try(ctx, retries{}, false, func() (err error) {
		got, err = i.api.send(ctx, i.http, request{method: method, url: i.url + path, header: header}, unsaid)
		return err
	})
	return got, err
}

// unsaid is for a refusal whose page is nobody's message.
func unsaid(*refusal, http.Header, []byte) {}
