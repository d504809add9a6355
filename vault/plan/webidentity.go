package plan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"aws-vault/vault/identity"
	"aws-vault/vault/profile"
)

// WebIdentity is the Spec of an AssumeRoleWithWebIdentity step.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
type WebIdentity struct {
	ARN          string `json:"role_arn"`
	SessionName  string `json:"role_session_name"`
	TokenFile    string `json:"web_identity_token_file,omitempty"`
	TokenProcess string `json:"web_identity_token_process,omitempty"` // a program that prints the token
	// the result of TokenSubject for the token; empty until TokenProcess has run
	Subject string `json:"-"`
}

func (w WebIdentity) encode(e *encoder) {
	e.text(w.ARN)
	e.text(w.SessionName)
	e.text(w.TokenFile)
	e.text(w.TokenProcess)
	e.text(w.Subject)
}

// Args lists the role and the source of the token.
func (w WebIdentity) Args() []Arg {
	args := []Arg{{"role", w.ARN}, {"session name", w.SessionName}}
	if w.TokenFile != "" {
		return append(args, Arg{"token file", w.TokenFile})
	}
	return append(args, Arg{"token command", w.TokenProcess})
}

// TokenSubject returns a fingerprint of a web identity token. It covers the claims that AWS uses, so
// two tokens with the same fingerprint get the same session. If the token is not a JSON Web Token or has
// no subject, the fingerprint covers the whole text. TokenSubject does not verify the token, because AWS
// does. The fingerprint only keeps sessions of different users separate.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-wif
func TokenSubject(token []byte) string {
	token = TrimToken(token)
	var claims map[string]json.RawMessage
	if !identity.ReadUnverified(string(token), &claims) || len(claims["sub"]) == 0 {
		return Fingerprint(string(token))
	}
	var counted []string
	for _, name := range slices.Sorted(maps.Keys(claims)) {
		if slices.Contains([]string{"iss", "sub", "aud", "azp", "amr"}, name) || strings.HasPrefix(name, "https://aws.amazon.com/") {
			counted = append(counted, name, string(claims[name]))
		}
	}
	return Fingerprint(counted...)
}

// TrimToken removes white space and a byte order mark from a token, because editors and programs may
// add them.
func TrimToken(text []byte) []byte { return bytes.TrimSpace(bytes.TrimPrefix(text, []byte("\ufeff"))) }

// usesToken reports whether the step sends a token to AWS to get the credentials of a role.
func (s Step) usesToken() bool {
	return s.Kind == KindWebIdentity || s.Kind == KindOIDC || s.Kind == KindIdentity
}

// includesRole reports whether the first step s itself returns the credentials of the role that role_arn in its
// profile names. If it does, the plan has no separate step for that role.
func (s Step) includesRole() bool { return s.usesToken() || s.Kind == KindRolesAnywhere }

func webIdentity(b *builder, q *profile.Profile) (Step, bool, error) {
	setting := "web_identity_token_file"
	if !q.Set(setting) {
		setting = "web_identity_token_process"
	}
	if !q.Set(setting) {
		return Step{}, false, nil
	}
	if !q.Set("role_arn") {
		return Step{}, false, missingSetting(q, setting, "role_arn")
	}
	spec := WebIdentity{ARN: q.Text("role_arn"), SessionName: q.Text("role_session_name")}
	if setting == "web_identity_token_file" {
		spec.TokenFile = q.Text(setting)
		spec.Subject = b.holdings.Subjects[spec.TokenFile]
	} else {
		spec.TokenProcess = q.Text(setting)
	}
	if spec.SessionName == "" {
		spec.SessionName = b.options.SessionName
	}
	s := Step{
		Kind: KindWebIdentity, Profile: q.Name, Spec: spec,
		Why:      "a signed token is exchanged for the profile's role_arn",
		Settings: settings(q, setting, "role_arn", "role_session_name", "session_policy", "session_policy_arns", "duration_seconds"),
	}
	err := b.completeTokenStep(&s, q, spec.ARN)
	return s, err == nil, err
}

// completeTokenStep sets those fields of a step that do not depend on the kind of token: Yields, Cacheable,
// Region, Endpoint, Policy and Duration. role is the ARN of the role.
func (b *builder) completeTokenStep(s *Step, q *profile.Profile, role string) (err error) {
	last := !b.chain.rolesAbove(q)
	s.Yields, s.Cacheable = Yield{Role, Yes}, true
	s.Region, s.Endpoint = b.chain.region(q, last, role), endpoint(q)
	if tags := q.Value("session_tags"); q.Set("session_tags") && s.Kind != KindIdentity {
		s.Why += fmt.Sprintf("; the tags that %s sets are not sent, because AWS reads tags only from the token", tags.Origin)
	}
	if s.Policy, err = ownPolicy(q, b.holdings.Policies); err != nil {
		return err
	}
	s.Duration, _, err = b.duration(q, last)
	return err
}
