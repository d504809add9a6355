package plan

import (
	"slices"
	"strings"

	"aws-vault/vault/identity"
	"aws-vault/vault/profile"
)

// IdentityRole is the Spec of a role that is assumed with the token of an [identity NAME] section. aws-vault signs
// the token with the user's own key, so the user does not sign in to an OIDC provider.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
type IdentityRole struct {
	Name           string        `json:"identity"`
	Issuer         string        `json:"identity_issuer"`
	Subject        string        `json:"identity_subject"`
	Audience       string        `json:"identity_audience"`
	ARN            string        `json:"role_arn"`
	SessionName    string        `json:"role_session_name"`
	SourceIdentity string        `json:"source_identity,omitempty"`
	Tags           []profile.Tag `json:"session_tags,omitempty"` // sorted by key
	TransitiveTags []string      `json:"transitive_session_tags,omitempty"`
	KeyID          string        `json:"key_id,omitempty"` // identifies the signing key; empty if the key is not known
	KeyLocation    string        `json:"key,omitempty"`    // where the signing key is stored
}

// A Signer is the signing key of an identity.
type Signer struct {
	KeyID    string
	Location string // in the format of [identity.Key]
}

func (r IdentityRole) encode(e *encoder) {
	e.text(r.Name)
	e.text(r.Issuer)
	e.text(r.Subject)
	e.text(r.Audience)
	e.text(r.ARN)
	e.text(r.SessionName)
	e.text(r.SourceIdentity)
	e.tags(r.Tags)
	e.set(r.TransitiveTags)
	e.text(r.KeyID)
	e.text(r.KeyLocation)
}

// Args lists the role, the claims of the token, and the key that signs it.
func (r IdentityRole) Args() []Arg {
	args := []Arg{{"role", r.ARN}, {"session name", r.SessionName}, {"issuer", r.Issuer}, {"subject", r.Subject}, {"audience", r.Audience}}
	if r.SourceIdentity != "" {
		args = append(args, Arg{"source identity", r.SourceIdentity})
	}
	args = append(args, tagArgs(r.Tags, r.TransitiveTags)...)
	switch r.KeyLocation {
	case "":
		return append(args, Arg{"signed by", "no key yet"})
	case identity.Software:
		return append(args, Arg{"signed by", "a key in the keystore (it can be copied by any program that opens the keystore)"})
	}
	return append(args, Arg{"signed by", "a security key, " + r.KeyLocation})
}

// Hardware reports whether the token is signed by a security key. Such a key cannot be copied, and
// the user may have to touch it.
func (r IdentityRole) Hardware() bool { return strings.HasPrefix(r.KeyLocation, identity.PIVPrefix) }

func identityRole(b *builder, q *profile.Profile) (Step, bool, error) {
	if !q.Set("identity") {
		return Step{}, false, nil
	}
	for _, wants := range []string{"identity_issuer", "identity_subject", "role_arn"} {
		if !q.Set(wants) {
			return Step{}, false, missingSetting(q, "identity", wants)
		}
	}
	spec := IdentityRole{
		Name: q.Text("identity"), Issuer: q.Text("identity_issuer"), Subject: q.Text("identity_subject"), Audience: q.Text("identity_audience"),
		ARN: q.Text("role_arn"), SessionName: q.Text("role_session_name"), SourceIdentity: q.Text("source_identity"),
		Tags: q.Tags("session_tags"), TransitiveTags: slices.Sorted(slices.Values(q.List("transitive_session_tags"))),
	}
	if strings.Contains(spec.SessionName, "${") {
		return Step{}, false, &SettingError{q.Value("role_session_name").Origin, errUserNameVariable}
	}
	if spec.SessionName == "" {
		spec.SessionName = spec.Subject // a trust policy can require that the session name and the subject are equal
	}
	if spec.Audience == "" {
		spec.Audience = spec.Issuer
	}
	if q.Value("source_identity").Origin.Kind == profile.Unset {
		spec.SourceIdentity = spec.Subject
	}
	signer := b.holdings.Signers[spec.Name]
	spec.KeyID, spec.KeyLocation = signer.KeyID, signer.Location
	s := Step{
		Kind: KindIdentity, Profile: q.Name, Spec: spec,
		Why: "a token that is signed with your own key is exchanged for the profile's role_arn",
		Settings: settings(q, "identity", "identity_issuer", "identity_subject", "identity_audience", "role_arn", "role_session_name", "source_identity",
			"session_tags", "transitive_session_tags", "session_policy", "session_policy_arns", "duration_seconds"),
	}
	err := b.completeTokenStep(&s, q, spec.ARN)
	return s, err == nil, err
}
