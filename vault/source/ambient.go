package source

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/vault/awsapi"
	"aws-vault/vault/plan"
)

// AmbientError reports that a machine does not provide the credentials that a profile's credential_source
// names.
type AmbientError struct {
	Kind    plan.Kind
	Profile string
	Found   string
	Want    string
}

func (e *AmbientError) Error() string {
	return fmt.Sprintf("%s of profile %s: found %s, expected %s", e.Kind, e.Profile, e.Found, e.Want)
}

// An ambientSource reads the credentials that the machine itself provides: from the environment, a container or
// an EC2 instance.
type ambientSource struct {
	deps *Deps
	step plan.Step
}

func (m ambientSource) credentials(ctx context.Context, spec plan.CredentialSource) (aws.Credentials, error) {
	var c aws.Credentials
	var err error
	switch m.step.Kind {
	case plan.KindEnvironment:
		c = m.environment()
	case plan.KindContainer:
		m.deps.catchSignals()
		c, err = m.container(ctx)
	default:
		m.deps.catchSignals()
		c, err = m.instance(ctx, spec)
	}
	if err != nil {
		return aws.Credentials{}, err
	}
	if found := awsapi.InvalidReason(c); found != "" {
		return aws.Credentials{}, m.unexpected(found, "an AWS access key")
	}
	return c, nil
}

// name returns the text that names the source in errors: its kind and its profile.
func (m ambientSource) name() string { return string(m.step.Kind) + " of profile " + m.step.Profile }

func (m ambientSource) unexpected(found, want string) error {
	return &AmbientError{m.step.Kind, m.step.Profile, found, want}
}

func (m ambientSource) env(name string) string {
	v, _ := m.deps.Getenv(name)
	return v
}

// checkPlainHTTP returns a [*awsapi.PlainHTTPError] if u is a plain HTTP URL, its host is not local, and the user
// has not allowed plain HTTP to it. The function local reports whether an address is local. If the host is a name,
// all its addresses must be local. The parameter origin is the place where the URL is set.
func (m ambientSource) checkPlainHTTP(ctx context.Context, u *url.URL, origin string, local func(address string) bool) error {
	host := u.Hostname()
	if u.Scheme != "http" || local(host) || m.step.Endpoint.PlainHTTP {
		return nil
	}
	refused := &awsapi.PlainHTTPError{URL: awsapi.BaseOf(u), Origin: origin}
	if net.ParseIP(host) != nil {
		return refused
	}
	lookup := m.deps.LookupHost
	if lookup == nil {
		lookup = net.DefaultResolver.LookupHost
	}
	limited, cancel := m.deps.AWS.WithTimeout(ctx)
	defer cancel()
	found, err := lookup(limited, host)
	if err != nil || len(found) == 0 || slices.ContainsFunc(found, func(address string) bool { return !local(address) }) {
		return refused
	}
	return nil
}

func (m ambientSource) environment() aws.Credentials {
	return aws.Credentials{
		AccessKeyID: m.env("AWS_ACCESS_KEY_ID"), SecretAccessKey: m.env("AWS_SECRET_ACCESS_KEY"), SessionToken: m.env("AWS_SESSION_TOKEN"),
	}
}
