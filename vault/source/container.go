package source

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/vault/awsapi"
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
func (m ambientSource) container(ctx context.Context) (aws.Credentials, error) {
	at, err := m.containerEndpoint(ctx)
	if err != nil {
		return aws.Credentials{}, err
	}
	token, err := m.containerToken()
	if err != nil {
		return aws.Credentials{}, err
	}
	return m.deps.AWS.ContainerCredentials(ctx, m.name(), awsapi.Container{URL: at, Token: token, Retries: target(m.step).Endpoint})
}

// ContainerAddress is where the environment says that a container's credentials are; empty for nowhere. Its path may
// be a secret.
func ContainerAddress(getenv func(string) (string, bool)) string {
	if path, _ := getenv(containerPath); path != "" {
		return "http://" + containerHosts[0] + path
	}
	address, _ := getenv(containerURL)
	return address
}

// containerEndpoint is where to ask: a path on ECS's own address, or any URL.
func (m ambientSource) containerEndpoint(ctx context.Context) (*url.URL, error) {
	from, endpoint := containerURL, ContainerAddress(m.deps.Getenv)
	if path := m.env(containerPath); path != "" {
		from = containerPath
		if !strings.HasPrefix(path, "/") {
			return nil, m.unexpected("a "+from+" that does not begin with /", "a path")
		}
	}
	if endpoint == "" {
		return nil, m.unexpected("no address in the environment", containerURL+" or "+containerPath)
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https" {
		return nil, m.unexpected("a "+from+" that is no address", "an http or https URL without a user's name")
	}
	if u.Scheme == "http" && !m.isLocal(ctx, u.Hostname()) {
		return nil, &awsapi.PlainHTTPError{URL: awsapi.BaseOf(u), Origin: from}
	}
	return u, nil
}

// isLocal reports whether what is sent to a host does not leave this machine or its host. A name has to lead to such
// addresses only, as the SDKs want it.
func (m ambientSource) isLocal(ctx context.Context, host string) bool {
	if isLocalAddress(host) {
		return true
	}
	if net.ParseIP(host) != nil {
		return false
	}
	lookup := m.deps.LookupHost
	if lookup == nil {
		lookup = net.DefaultResolver.LookupHost
	}
	limited, cancel := m.deps.AWS.WithTimeout(ctx)
	defer cancel()
	found, err := lookup(limited, host)
	return err == nil && len(found) > 0 && !slices.ContainsFunc(found, func(address string) bool { return !isLocalAddress(address) })
}

func isLocalAddress(host string) bool {
	return awsapi.IsLoopback(host) || slices.Contains(containerHosts, host)
}

// containerToken is what the endpoint wants to be shown. The file changes, so it is read
// each time.
func (m ambientSource) containerToken() (string, error) {
	token, from := m.env(containerToken), containerToken
	if path := m.env(containerTokenFile); path != "" {
		from = containerTokenFile
		raw, err := awsapi.ReadFile(m.deps.Open, path, maxTokenText)
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
