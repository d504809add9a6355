package source

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/vault/plan"
)

// The variables that tell a container where to ask, and what to show there.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
const (
	containerPath      = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
	containerURL       = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
	containerToken     = "AWS_CONTAINER_AUTHORIZATION_TOKEN"
	containerTokenFile = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"
)

// containerHosts are where ECS and EKS answer, besides this machine: link-local addresses,
// which no packet leaves the host for.
var containerHosts = []string{"169.254.170.2", "169.254.170.23", "fd00:ec2::23"}

// container asks the endpoint that a container is given.
func (d *Deps) container(ctx context.Context, s plan.Step) (aws.Credentials, error) {
	u, err := d.containerEndpoint(s)
	if err != nil {
		return aws.Credentials{}, err
	}
	token, err := d.containerToken()
	if err != nil {
		return aws.Credentials{}, err
	}
	c := call{action: string(s.Kind) + " of profile " + s.Profile, place: site(u), secret: token}
	var proxy func(*http.Request) (*url.URL, error)
	if u.Scheme == "https" {
		proxy = d.proxy // what goes by plain HTTP goes to this machine, or to nobody
	}
	q := request{method: http.MethodGet, url: u.String(), header: map[string]string{"Accept": "application/json"}}
	if token != "" {
		q.header["Authorization"] = token
	}
	hc := near(proxy)
	return d.fetch(ctx, c, func(ctx context.Context) (aws.Credentials, error) {
		var got answer
		err := d.try(ctx, false, func() (err error) {
			got, err = d.send(ctx, hc, q, readContainerError)
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

// ContainerAddress is where the environment says that a container's credentials are; empty for nowhere. Its path may
// be a secret.
func (d *Deps) ContainerAddress() string {
	if path := d.env(containerPath); path != "" {
		return "http://" + containerHosts[0] + path
	}
	return d.env(containerURL)
}

// containerEndpoint is where to ask: a path on ECS's own address, or any URL.
func (d *Deps) containerEndpoint(s plan.Step) (*url.URL, error) {
	from, endpoint := containerURL, d.ContainerAddress()
	if path := d.env(containerPath); path != "" {
		from = containerPath
		if !strings.HasPrefix(path, "/") {
			return nil, &AmbientError{s.Kind, s.Profile, "a " + from + " that does not begin with /", "a path"}
		}
	}
	if endpoint == "" {
		return nil, &AmbientError{s.Kind, s.Profile, "no address in the environment", containerURL + " or " + containerPath}
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https" {
		return nil, &AmbientError{s.Kind, s.Profile, "a " + from + " that is no address", "an http or https URL without a user's name"}
	}
	if u.Scheme == "http" && !isLoopback(u.Hostname()) && !slices.Contains(containerHosts, u.Hostname()) {
		return nil, &PlainError{site(u), from}
	}
	return u, nil
}

// containerToken is what the endpoint wants to be shown. The file changes, so it is read
// each time.
func (d *Deps) containerToken() (string, error) {
	token, from := d.env(containerToken), containerToken
	if path := d.env(containerTokenFile); path != "" {
		from = containerTokenFile
		raw, err := d.read(path, maxTokenText)
		if err != nil {
			return "", fmt.Errorf("%s: %w", from, err)
		}
		token = strings.TrimRight(string(raw), "\r\n")
	}
	if strings.ContainsFunc(token, func(r rune) bool { return r < ' ' || r > '~' }) {
		return "", fmt.Errorf("%s: the token holds a line's end or a character that is not ASCII, want neither", from)
	}
	return token, nil
}
