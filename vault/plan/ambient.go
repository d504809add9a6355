package plan

import "aws-vault/vault/profile"

// CredentialSource is the Spec of credentials that the machine offers of itself: in
// the environment, at the EC2 metadata service, or at a container's endpoint.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-assume-role-credentials.html
type CredentialSource struct {
	Source      string `json:"credential_source"`
	Fingerprint string `json:"-"` // of the key in the environment; empty elsewhere
	Endpoint    string `json:"-"` // where they are asked for; its path may be a secret
}

func (s CredentialSource) encode(e *encoder) {
	e.text(s.Source)
	e.text(s.Fingerprint)
	e.option("credentials from", s.Endpoint)
}

// Args says nothing: the step's kind says which source it is.
func (CredentialSource) Args() []Arg { return nil }

func credentialSource(c *chain, q *profile.Profile) (Step, bool, error) {
	v := q.Value("credential_source")
	s := Step{
		Profile: q.Name, Yields: Yield{Role, Yes}, Spec: CredentialSource{Source: v.Text},
		Why: "the profile sets credential_source", From: settings(q, "credential_source"),
	}
	switch v.Text {
	case "":
		return Step{}, false, nil
	case "Environment":
		key := c.holdings.Environment
		if key == nil {
			return Step{}, false, &SettingError{Origin: v.Origin, Err: errNoEnvironmentKey}
		}
		own := environmentKey(key)
		s.Kind, s.Yields, s.Spec = own.Kind, own.Yields, own.Spec
	case "Ec2InstanceMetadata":
		s.Kind, s.Spec = KindMetadata, CredentialSource{Source: v.Text, Endpoint: c.holdings.Metadata}
	case "EcsContainer":
		s.Kind, s.Spec = KindContainer, CredentialSource{Source: v.Text, Endpoint: c.holdings.Container}
	}
	return s, true, nil
}
