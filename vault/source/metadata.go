package source

import (
	"context"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Where EC2 offers its metadata.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-imds-client.html
const (
	metadataURL  = "http://169.254.169.254"
	metadataURL6 = "http://[fd00:ec2::254]"
)

// instance asks the EC2 instance for the credentials of its role.
func (m machine) instance(ctx context.Context) (aws.Credentials, error) {
	if strings.EqualFold(m.env("AWS_EC2_METADATA_DISABLED"), "true") {
		return aws.Credentials{}, m.wrong("AWS_EC2_METADATA_DISABLED=true", "the metadata service")
	}
	at, err := url.Parse(MetadataAddress(m.deps.Getenv))
	if err != nil || at.Hostname() == "" || at.User != nil {
		return aws.Credentials{}, m.wrong("an AWS_EC2_METADATA_SERVICE_ENDPOINT that is no address", "a URL such as "+metadataURL)
	}
	return m.deps.AWS.Instance(ctx, m.name(), at, !strings.EqualFold(m.env("AWS_EC2_METADATA_V1_DISABLED"), "true"))
}

// MetadataAddress is where the environment says that EC2's metadata service is.
func MetadataAddress(getenv func(string) (string, bool)) string {
	if endpoint, _ := getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT"); endpoint != "" {
		return endpoint
	}
	if mode, _ := getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"); strings.EqualFold(mode, "IPv6") {
		return metadataURL6
	}
	return metadataURL
}
