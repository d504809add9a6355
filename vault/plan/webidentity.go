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
	TokenProcess string `json:"web_identity_token_process,omitempty"` // used where there is no file
	Subject      string `json:"-"`                                    // whose token it is: see TokenSubject; empty until a program has run
}

func (w WebIdentity) encode(e *encoder) {
	e.text(w.ARN)
	e.text(w.SessionName)
	e.text(w.TokenFile)
	e.text(w.TokenProcess)
	e.text(w.Subject)
}

// Args lists the role and where the token comes from.
func (w WebIdentity) Args() []Arg {
	args := []Arg{{"role", w.ARN}, {"session name", w.SessionName}}
	if w.TokenFile != "" {
		return append(args, Arg{"token file", w.TokenFile})
	}
	return append(args, Arg{"token command", w.TokenProcess})
}

// TokenSubject identifies whose token a web identity token is and what AWS makes of it: two tokens with one
// TokenSubject get the same session. AWS checks the token; here it only tells one person's session from another's.
// What is no JSON Web Token is told apart as a whole.
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

// TrimToken cuts off what editors and programs put around a token: white space, and the mark that Windows begins a
// text with.
func TrimToken(text []byte) []byte { return bytes.TrimSpace(bytes.TrimPrefix(text, []byte("\ufeff"))) }

// exchanges reports whether the step gives a token for a role.
func (s Step) exchanges() bool {
	return s.Kind == KindWebIdentity || s.Kind == KindOIDC || s.Kind == KindIdentity
}

// ownsRole reports whether the role_arn beside the root is the root's own.
func (s Step) ownsRole() bool { return s.exchanges() || s.Kind == KindRolesAnywhere }

func webIdentity(b *builder, q *profile.Profile) (Step, bool, error) {
	setting := "web_identity_token_file"
	if !q.Set(setting) {
		setting = "web_identity_token_process"
	}
	if !q.Set(setting) {
		return Step{}, false, nil
	}
	if !q.Set("role_arn") {
		return Step{}, false, &MissingSettingError{Origin: q.Value(setting).Origin, Has: setting, Wants: "role_arn"}
	}
	spec := WebIdentity{ARN: q.Text("role_arn"), SessionName: q.Text("role_session_name")}
	if setting == "web_identity_token_file" {
		spec.TokenFile = q.Text(setting)
		spec.Subject = b.holdings.Subjects[spec.TokenFile]
	} else {
		spec.TokenProcess = q.Text(setting)
	}
	if spec.SessionName == "" {
		spec.SessionName = b.options.Name
	}
	s := Step{
		Kind: KindWebIdentity, Profile: q.Name, Spec: spec,
		Why:  "a signed token is exchanged for the role beside it",
		From: settings(q, setting, "role_arn", "role_session_name", "session_policy", "session_policy_arns", "duration_seconds"),
	}
	err := b.exchanged(&s, q, spec.ARN)
	return s, err == nil, err
}

// exchanged fills in what is the same for every step of q's that exchanges a token for the
// role.
func (b *builder) exchanged(s *Step, q *profile.Profile, role string) (err error) {
	last := !b.chain.rolesAbove(q)
	s.Yields, s.Keep = Yield{Role, Yes}, true
	s.Region, s.Endpoint = b.chain.region(q, last, role), endpoint(q)
	if tags := q.Value("session_tags"); q.Set("session_tags") && s.Kind != KindIdentity {
		s.Why += fmt.Sprintf("; the tags that %s sets are not sent, for AWS takes them from the token alone", tags.Origin)
	}
	if s.Policy, err = ownPolicy(q, b.holdings.Policies); err != nil {
		return err
	}
	s.Lasts, _, err = b.duration(q, last)
	return err
}
