package source

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/vault/awsapi"
)

// These environment variables contain the URL of a container's credential endpoint, and the token for that
// endpoint.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
const (
	containerPath      = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
	containerURL       = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
	containerToken     = "AWS_CONTAINER_AUTHORIZATION_TOKEN"
	containerTokenFile = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"
)

// containerHosts are the addresses of the ECS and EKS credential endpoints. Packets to them never leave the host.
var containerHosts = []string{"169.254.170.2", "169.254.170.23", "fd00:ec2::23"}

// isContainerHost reports whether plain HTTP is allowed to an address of a container's endpoint. The AWS SDKs have the
// same rule.
func isContainerHost(host string) bool {
	return awsapi.IsLoopback(host) || slices.Contains(containerHosts, host)
}

// container gets credentials from the container's credential endpoint.
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

// ContainerAddress returns the URL of the container's credential endpoint from the environment. The URL is empty if
// no variable contains one. The path of the URL may be secret.
func ContainerAddress(getenv func(string) (string, bool)) string {
	if path, _ := getenv(containerPath); path != "" {
		return "http://" + containerHosts[0] + path
	}
	address, _ := getenv(containerURL)
	return address
}

// containerEndpoint returns the URL of the credential endpoint: a path on the ECS address, or a full URL.
func (m ambientSource) containerEndpoint(ctx context.Context) (*url.URL, error) {
	from, endpoint := containerURL, ContainerAddress(m.deps.Getenv)
	if path := m.env(containerPath); path != "" {
		from = containerPath
		if !strings.HasPrefix(path, "/") {
			return nil, m.unexpected(from+" without a leading /", "a path such as /v2/credentials")
		}
	}
	if endpoint == "" {
		return nil, m.unexpected("no endpoint in the environment", "the variable "+containerURL+" or "+containerPath)
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https" {
		return nil, m.unexpected(from+" with an invalid URL", "an http or https URL without a user name")
	}
	return u, m.checkPlainHTTP(ctx, u, from, isContainerHost)
}

// containerToken returns the token for the endpoint. The token file is read on each call, because its content
// changes.
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
		return "", fmt.Errorf("%s: the token contains a character that is not printable ASCII", from)
	}
	return token, nil
}
