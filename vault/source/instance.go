package source

import (
	"context"
	"net"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/vault/awsapi"
	"aws-vault/vault/plan"
)

// instance gets the credentials of the EC2 instance's role.
func (m ambientSource) instance(ctx context.Context, spec plan.CredentialSource) (aws.Credentials, error) {
	if strings.EqualFold(m.env("AWS_EC2_METADATA_DISABLED"), "true") {
		return aws.Credentials{}, m.unexpected("AWS_EC2_METADATA_DISABLED=true", "the metadata service to be enabled")
	}
	at, err := url.Parse(spec.Endpoint)
	if err != nil || at.Hostname() == "" || at.User != nil || at.Scheme != "http" && at.Scheme != "https" {
		return aws.Credentials{}, m.unexpected("an ec2_metadata_service_endpoint that is not a valid URL", "a URL such as http://169.254.169.254")
	}
	if err := m.checkPlainHTTP(ctx, at, spec.Origin, isInstanceHost); err != nil {
		return aws.Credentials{}, err
	}
	return m.deps.AWS.InstanceCredentials(ctx, m.name(), awsapi.InstanceMetadata{URL: at, AllowV1: !spec.WithoutV1, Retries: target(m.step).Endpoint})
}

// metadata6 is the IPv6 address of the metadata service. It is not a link-local address, but packets to it never leave
// the host.
const metadata6 = "fd00:ec2::254"

// isInstanceHost reports whether plain HTTP is allowed to an address of the metadata service: a loopback address,
// or an address that no router forwards.
func isInstanceHost(host string) bool {
	address, _, _ := strings.Cut(host, "%") // the zone of a link-local IPv6 address
	ip := net.ParseIP(address)
	return awsapi.IsLoopback(host) || ip != nil && (ip.IsLinkLocalUnicast() || ip.Equal(net.ParseIP(metadata6)))
}
