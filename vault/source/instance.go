package source

import (
	"context"
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
	if err != nil || at.Hostname() == "" || at.User != nil {
		return aws.Credentials{}, m.unexpected("an ec2_metadata_service_endpoint that is not a valid URL", "a URL such as http://169.254.169.254")
	}
	return m.deps.AWS.InstanceCredentials(ctx, m.name(), awsapi.InstanceMetadata{URL: at, AllowV1: !spec.WithoutV1, Retries: target(m.step).Endpoint})
}
