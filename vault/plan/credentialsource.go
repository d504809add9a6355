package plan

import (
	"errors"
	"strings"

	"aws-vault/vault/profile"
)

// CredentialSource is the Spec of credentials that the machine provides: in the environment, at the
// EC2 metadata service, or at a container's credential endpoint.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-assume-role-credentials.html
type CredentialSource struct {
	Source      string `json:"credential_source"`
	Fingerprint string `json:"-"` // fingerprint of the key in the environment; empty for other sources
	Endpoint    string `json:"-"` // the URL of the endpoint; its path may be a secret
	Origin      string `json:"-"` // the place where the URL of EC2's metadata service is set
	WithoutV1   bool   `json:"-"` // whether version 1 of EC2's metadata service is off; version 1 requires no token
}

func (s CredentialSource) encode(e *encoder) {
	e.text(s.Source)
	e.text(s.Fingerprint)
	e.option("credentials from", s.Endpoint)
	if s.WithoutV1 {
		e.text("without the first version of the metadata service")
	}
}

// Args returns nothing, because the step's kind names the source.
func (CredentialSource) Args() []Arg { return nil }

func credentialSource(b *builder, q *profile.Profile) (Step, bool, error) {
	if b.usesOwnKey(q) {
		return Step{}, false, nil
	}
	v := q.Value("credential_source")
	s := Step{
		Profile: q.Name, Yields: Yield{Role, Yes}, Spec: CredentialSource{Source: v.Text},
		Why: "the profile sets credential_source", Settings: settings(q, "credential_source"),
	}
	s.Endpoint.MaxAttempts, s.Endpoint.RetryMode = retries(q)
	switch v.Text {
	case "":
		return Step{}, false, nil
	case "Environment":
		key := b.holdings.Environment
		if key == nil {
			return Step{}, false, &SettingError{Origin: v.Origin, Err: errEnvironmentUnset}
		}
		own := environmentKey(key)
		s.Kind, s.Yields, s.Spec = own.Kind, own.Yields, own.Spec
	case "Ec2InstanceMetadata":
		s.Kind, s.Spec = KindMetadata, CredentialSource{Source: v.Text, Endpoint: metadataEndpoint(q), Origin: q.Value(metadataURL).Origin.String(), WithoutV1: q.Bool("ec2_metadata_v1_disabled")}
		s.Endpoint.PlainHTTP = allowsPlainHTTP(q, metadataEndpoint(q))
		s.Settings = append(s.Settings, settings(q, "ec2_metadata_v1_disabled")...)
	case "EcsContainer":
		s.Kind, s.Spec = KindContainer, CredentialSource{Source: v.Text, Endpoint: b.holdings.Container}
		s.Endpoint.PlainHTTP = allowsPlainHTTP(q, b.holdings.Container)
	}
	return s, true, nil
}

// The URLs of EC2's metadata service, and the settings that choose between them.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-imds-client.html
const (
	metadata4 = "http://169.254.169.254"
	metadata6 = "http://[fd00:ec2::254]"

	metadataURL  = "ec2_metadata_service_endpoint"
	metadataMode = "ec2_metadata_service_endpoint_mode"
)

func metadataEndpoint(q *profile.Profile) string {
	switch at := q.Text(metadataURL); {
	case at != "":
		return at
	case strings.EqualFold(q.Text(metadataMode), "IPv6"):
		return metadata6
	}
	return metadata4
}

var errEnvironmentUnset = errors.New("credential_source is Environment, expected AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to be set")

// ErrNoEnvironmentKey reports that credentials from the environment were requested, but the environment has none.
var ErrNoEnvironmentKey = errors.New("the environment has no credentials")

// FromEnvironment plans to use the credentials in the environment as they are. The profile p provides
// the region and the endpoints. FromEnvironment fails with [ErrNoEnvironmentKey] or the errors of [Make].
func FromEnvironment(p *profile.Profile, h Holdings, o Options) (Plan, error) {
	if h.Environment == nil {
		return Plan{}, ErrNoEnvironmentKey
	}
	root := environmentKey(h.Environment)
	root.Why = "no profile was given, and the environment has credentials"
	b := &builder{chain: chain{target: p, profiles: []*profile.Profile{p}, root: root}, holdings: h, options: o}
	if err := b.decideLimit(); err != nil {
		return Plan{}, err
	}
	pl := Plan{Audit: p.Text("audit"), Steps: []Step{root}}.withCommandSettings(p)
	if o.Purpose == Console {
		return b.consoleSignIn(pl)
	}
	return b.sessionLimit.restrict(pl, &b.chain)
}

func environmentKey(key *EnvironmentKey) Step {
	s := Step{Kind: KindEnvironment, Yields: Yield{User, No}, Spec: CredentialSource{Source: "Environment", Fingerprint: key.Fingerprint}}
	if key.Temporary {
		s.Yields = Yield{UnknownPrincipal, Yes}
	}
	return s
}
