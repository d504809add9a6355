package plan

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"aws-vault/vault/policy"
	"aws-vault/vault/profile"
)

// AssumeRole is the Spec of an AssumeRole step.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
type AssumeRole struct {
	ARN string `json:"role_arn"`
	// ${aws:username} is replaced with the name of the calling user
	SessionName    string        `json:"role_session_name"`
	ExternalID     string        `json:"external_id,omitempty"`
	SourceIdentity string        `json:"source_identity,omitempty"`
	Tags           []profile.Tag `json:"session_tags,omitempty"` // sorted by key
	TransitiveTags []string      `json:"transitive_session_tags,omitempty"`
}

func (r AssumeRole) encode(e *encoder) {
	e.text(r.ARN)
	e.text(r.SessionName)
	e.text(r.ExternalID)
	e.text(r.SourceIdentity)
	e.tags(r.Tags)
	e.set(r.TransitiveTags)
}

// Args lists the role and the other parameters of the call.
func (r AssumeRole) Args() []Arg {
	args := []Arg{{"role", r.ARN}, {"session name", r.SessionName}}
	if r.ExternalID != "" {
		args = append(args, Arg{"external id", r.ExternalID})
	}
	if r.SourceIdentity != "" {
		args = append(args, Arg{"source identity", r.SourceIdentity})
	}
	return append(args, tagArgs(r.Tags, r.TransitiveTags)...)
}

func tagArgs(tags []profile.Tag, transitive []string) []Arg {
	var args []Arg
	for _, t := range tags {
		name := "tag"
		if slices.Contains(transitive, t.Key) {
			name = "transitive tag"
		}
		args = append(args, Arg{name, t.Key + "=" + t.Value})
	}
	return args
}

// UserName is the placeholder for the name of the calling user in a role session name. Trust
// policies use the same placeholder.
const UserName = "${aws:username}"

// assume returns the step for the i-th role of the chain.
func (b *builder) assume(i int, before []Step) (Step, error) {
	q := b.chain.roles[i]
	spec := AssumeRole{
		ARN:            q.Text("role_arn"),
		SessionName:    q.Text("role_session_name"),
		ExternalID:     q.Text("external_id"),
		SourceIdentity: q.Text("source_identity"),
		Tags:           q.Tags("session_tags"),
		TransitiveTags: slices.Sorted(slices.Values(q.List("transitive_session_tags"))),
	}
	if spec.SessionName == "" {
		spec.SessionName = b.options.SessionName
	}
	s := Step{
		Kind: KindAssumeRole, Profile: q.Name, Yields: Yield{Role, Yes}, Cacheable: true, Spec: spec,
		Region: b.chain.region(q, b.chain.last(i), spec.ARN), Endpoint: endpoint(q),
		Why: "the profile sets role_arn",
		Settings: settings(q, "role_arn", "role_session_name", "external_id", "source_identity", "session_tags",
			"transitive_session_tags", "session_policy", "session_policy_arns"),
	}
	if err := checkInherited(spec, q, before); err != nil {
		return Step{}, err
	}
	var err error
	if s.Policy, err = ownPolicy(q, b.holdings.Policies); err != nil {
		return Step{}, err
	}
	if err := b.decideMFA(&s, q, before); err != nil {
		return Step{}, err
	}
	return s, b.setDuration(&s, i, before[len(before)-1])
}

// setDuration sets the duration of the role. If the role is assumed with temporary credentials, the maximum is
// MaxChained.
func (b *builder) setDuration(s *Step, i int, before Step) error {
	d, from, err := b.duration(b.chain.roles[i], b.chain.last(i))
	if err != nil {
		return err
	}
	if from.Text != "" {
		s.Settings = append(s.Settings, Setting{Name: "duration_seconds", Text: from.Text, Origin: from.Origin.String()})
	}
	if s.capDuration(d, before) && b.chain.last(i) {
		b.notes = append(b.notes, fmt.Sprintf("the session of role %s lasts %s, not %s: "+
			"AWS allows no more for a role that is assumed with temporary credentials", s.Profile, formatDuration(MaxChained), formatDuration(d)))
	}
	return nil
}

// capDuration sets the step's duration to d. If the role is assumed with temporary credentials, the duration is at
// most MaxChained. capDuration reports whether the duration is shorter than d.
func (s *Step) capDuration(d time.Duration, before Step) bool {
	s.Duration = d
	if before.Yields.Temporary == No || d <= MaxChained {
		return false
	}
	s.Duration = MaxChained
	s.Why += fmt.Sprintf("; %s was requested, but AWS allows only %s for a role that is assumed with temporary credentials", formatDuration(d), formatDuration(MaxChained))
	return true
}

// decideMFA decides whether the AssumeRole call presents an MFA code. A call that is signed with a user's access
// key can present a code. A call that is signed with a role's credentials or with a session token cannot. No code
// is needed if an earlier step used a code from the same device to create a session token.
func (b *builder) decideMFA(s *Step, q *profile.Profile, before []Step) error {
	if !q.Set("mfa_serial") {
		if before[len(before)-1].Yields == (Yield{User, No}) {
			s.UnusedMFA = unusedMFA(q)
		}
		return nil
	}
	serial, holder := q.Value("mfa_serial"), before[len(before)-1].Yields.Principal
	for _, b := range before {
		if b.Kind == KindSessionToken && b.MFA.Serial == serial.Text {
			s.Why += "; the MFA code was already used for the session token in an earlier step"
			return nil
		}
	}
	if holder == Role || before[len(before)-1].Kind == KindSessionToken {
		if isSharedSetting(serial.Origin) {
			s.Why += fmt.Sprintf("; these credentials cannot present an MFA code, "+
				"so the device that %s sets is not used", serial.Origin)
			return nil
		}
		return &ChainedMFAError{
			Profile: q.Name, Serial: serial.Text, Origin: serial.Origin, NoSession: b.options.NoSession,
			CallingProfile: before[len(before)-1].Profile,
		}
	}
	s.MFA, s.MaxAge = mfaOf(q), q.Duration("mfa_max_age")
	s.Settings = append(s.Settings, settings(q, "mfa_serial", "mfa_process", "mfa_device", "mfa_max_age")...)
	return nil
}

// unusedMFA returns the MFA device of the nearest source profile of q that sets one.
func unusedMFA(q *profile.Profile) UnusedMFA {
	for r := q.Source; r != nil; r = r.Source {
		if r.Set("mfa_serial") {
			return UnusedMFA{Serial: r.Text("mfa_serial"), Profile: r.Name}
		}
	}
	return UnusedMFA{}
}

// extraRole returns the step for a role that a program requests from a server, on top of the
// profile's own steps. All such roles share the sessions and MFA codes of these steps. The role
// gets the profile's session policy again, because AWS does not pass a session policy on to the
// next role.
func (b *builder) extraRole(arn string, before Step) (Step, error) {
	if !profile.IsRoleARN(arn) {
		return Step{}, &RoleARNError{Found: arn}
	}
	s := Step{
		Kind: KindAssumeRole, Profile: b.chain.target.Name, Yields: Yield{Role, Yes},
		Spec:   AssumeRole{ARN: arn, SessionName: b.extraRoleName(before)},
		Region: b.chain.region(b.chain.target, true, arn), Endpoint: endpoint(b.chain.target),
		Why: "this role was requested in addition to the profile", Settings: settings(b.chain.target, "session_policy", "session_policy_arns"),
	}
	var err error
	if s.Policy, err = ownPolicy(b.chain.target, b.holdings.Policies); err != nil {
		return Step{}, err
	}
	s.capDuration(orDefault(b.requestedDuration(), defaultRole), before)
	return s, checkDuration(s.Duration, minDuration, maxRole)
}

// extraRoleName returns the session name of the profile. It returns the default name if the profile
// sets none, or if the session name contains ${aws:username} and the caller is not a user.
func (b *builder) extraRoleName(before Step) string {
	name := b.chain.target.Text("role_session_name")
	if name == "" || strings.Contains(name, UserName) && before.Yields.Principal != User {
		return b.options.SessionName
	}
	return name
}

// isSharedSetting reports whether a setting applies to all profiles, because it is set in the environment
// or in [default].
func isSharedSetting(o profile.Origin) bool {
	return o.Kind == profile.Environment || o.InDefault()
}

// ownPolicy returns the session policy of q. files maps the file:// URL of each policy file to its text.
func ownPolicy(q *profile.Profile, files map[string]string) (policy.Policy, error) {
	text := q.Text("session_policy")
	if strings.HasPrefix(text, "file://") {
		text = files[text]
	}
	p, err := policy.Parse(text, q.List("session_policy_arns"))
	if err != nil {
		origin := q.Value("session_policy").Origin
		if !q.Set("session_policy") {
			origin = q.Value("session_policy_arns").Origin
		}
		return policy.Policy{}, &SettingError{Origin: origin, Err: err}
	}
	return p, nil
}

// checkInherited checks a role against the settings that it inherits from earlier roles. AWS
// refuses a call that sets a transitive tag again or changes the source identity.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_role-chaining
func checkInherited(spec AssumeRole, q *profile.Profile, before []Step) error {
	for _, b := range before {
		r, ok := roleParameters(b)
		if !ok {
			continue
		}
		for _, t := range spec.Tags {
			if slices.ContainsFunc(r.TransitiveTags, func(k string) bool { return strings.EqualFold(k, t.Key) }) {
				return &ConflictError{
					Origin: q.Value("session_tags").Origin, Profile: b.Profile, Found: "tag " + t.Key,
					Reason: "already passes that tag on to later roles",
				}
			}
		}
		if r.SourceIdentity != "" && spec.SourceIdentity != "" && r.SourceIdentity != spec.SourceIdentity {
			return &ConflictError{
				Origin: q.Value("source_identity").Origin, Profile: b.Profile, Found: "source identity " + spec.SourceIdentity,
				Reason: "has already set a different one for the whole chain",
			}
		}
	}
	return nil
}

// roleParameters returns an AssumeRole with the source identity and the tags of the step's role. Later roles can
// inherit them. roleParameters returns false if the kind of the step has no such parameters.
func roleParameters(s Step) (AssumeRole, bool) {
	switch spec := s.Spec.(type) {
	case AssumeRole:
		return spec, true
	case IdentityRole:
		return AssumeRole{SourceIdentity: spec.SourceIdentity, Tags: spec.Tags, TransitiveTags: spec.TransitiveTags}, true
	}
	return AssumeRole{}, false
}

// withRoleTags returns a copy of the spec s with the given tags. The spec must belong to a step for which
// roleParameters returns true.
func withRoleTags(s Spec, tags []profile.Tag, transitive []string) Spec {
	switch spec := s.(type) {
	case AssumeRole:
		spec.Tags, spec.TransitiveTags = tags, transitive
		return spec
	case IdentityRole: // the token contains the tags as claims
		spec.Tags, spec.TransitiveTags = tags, transitive
		return spec
	}
	return s
}
