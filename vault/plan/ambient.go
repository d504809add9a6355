package plan

import (
	"errors"
	"strings"

	"aws-vault/vault/profile"
)

// CredentialSource is the Spec of credentials that the machine offers of itself: in
// the environment, at the EC2 metadata service, or at a container's endpoint.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-assume-role-credentials.html
type CredentialSource struct {
	Source      string `json:"credential_source"`
	Fingerprint string `json:"-"` // of the key in the environment; empty elsewhere
	Endpoint    string `json:"-"` // where they are asked for; its path may be a secret
	WithoutV1   bool   `json:"-"` // the first version of EC2's metadata service, which wants no token, is not spoken
}

func (s CredentialSource) encode(e *encoder) {
	e.text(s.Source)
	e.text(s.Fingerprint)
	e.option("credentials from", s.Endpoint)
	if s.WithoutV1 {
		e.text("without the first version of the metadata service")
	}
}

// Args says nothing: the step's kind says which source it is.
func (CredentialSource) Args() []Arg { return nil }

func credentialSource(b *builder, q *profile.Profile) (Step, bool, error) {
	v := q.Value("credential_source")
	s := Step{
		Profile: q.Name, Yields: Yield{Role, Yes}, Spec: CredentialSource{Source: v.Text},
		Why: "the profile sets credential_source", From: settings(q, "credential_source"),
	}
	s.Endpoint.MaxAttempts, s.Endpoint.RetryMode = retries(q)
	switch v.Text {
	case "":
		return Step{}, false, nil
	case "Environment":
		key := b.holdings.Environment
		if key == nil {
			return Step{}, false, &SettingError{Origin: v.Origin, Err: errNoEnvironmentKey}
		}
		own := environmentKey(key)
		s.Kind, s.Yields, s.Spec = own.Kind, own.Yields, own.Spec
	case "Ec2InstanceMetadata":
		s.Kind, s.Spec = KindMetadata, CredentialSource{Source: v.Text, Endpoint: metadataEndpoint(q), WithoutV1: q.Bool("ec2_metadata_v1_disabled")}
		s.From = append(s.From, settings(q, "ec2_metadata_v1_disabled")...)
	case "EcsContainer":
		s.Kind, s.Spec = KindContainer, CredentialSource{Source: v.Text, Endpoint: b.holdings.Container}
	}
	return s, true, nil
}

// Where EC2 offers its metadata, and the settings that say so.
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

var errNoEnvironmentKey = errors.New("credential_source is Environment, want AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to be set")

// ErrNoEnvironmentKey is returned where the environment was to give credentials and holds
// none.
var ErrNoEnvironmentKey = errors.New("the environment holds no credentials")

// FromEnvironment plans to use the credentials in the environment as they are. p says how
// and where to call. It fails with [ErrNoEnvironmentKey] or as [Make] does.
func FromEnvironment(p *profile.Profile, h Holdings, o Options) (Plan, error) {
	if h.Environment == nil {
		return Plan{}, ErrNoEnvironmentKey
	}
	root := environmentKey(h.Environment)
	root.Why = "no profile was named, and the environment holds credentials"
	b := &builder{chain: chain{target: p, profiles: []*profile.Profile{p}, root: root}, holdings: h, options: o}
	if err := b.decideLimit(); err != nil {
		return Plan{}, err
	}
	pl := Plan{Region: p.Text("region"), URL: p.Text("endpoint_url"), Steps: []Step{root}}
	if o.For == Console {
		return b.signIn(pl)
	}
	return b.bound.restrict(pl, &b.chain)
}

func environmentKey(key *EnvironmentKey) Step {
	s := Step{Kind: KindEnvironment, Yields: Yield{User, No}, Spec: CredentialSource{Source: "Environment", Fingerprint: key.Fingerprint}}
	if key.Temporary {
		s.Yields = Yield{Nobody, Yes}
	}
	return s
}
