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
	ARN            string        `json:"role_arn"`
	SessionName    string        `json:"role_session_name"` // ${aws:username} stands for the calling user's name
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

// Args lists the role and what else the call carries.
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

// UserName stands in a role session name for the name of the user whose key it is,
// as it does in a trust policy.
const UserName = "${aws:username}"

// assume plans the i-th role of the chain on top of the steps before it.
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
		spec.SessionName = b.options.Name
	}
	s := Step{
		Kind: KindAssumeRole, Profile: q.Name, Yields: Yield{Role, Yes}, Keep: true, Spec: spec,
		Region: b.chain.region(q, b.chain.last(i), spec.ARN), Endpoint: endpoint(q),
		Why: "the profile sets role_arn",
		From: settings(q, "role_arn", "role_session_name", "external_id", "source_identity", "session_tags",
			"transitive_session_tags", "session_policy", "session_policy_arns"),
	}
	if err := fits(spec, q, before); err != nil {
		return Step{}, err
	}
	var err error
	if s.Policy, err = ownPolicy(q, b.holdings.Policies); err != nil {
		return Step{}, err
	}
	if err := b.askFor(&s, q, before); err != nil {
		return Step{}, err
	}
	return s, b.limit(&s, i, before[len(before)-1])
}

// limit sets how long the role is asked for: AWS refuses more than MaxChained where
// the credentials that assume it are temporary, or might be.
func (b *builder) limit(s *Step, i int, before Step) error {
	d, from, err := b.duration(b.chain.roles[i], b.chain.last(i))
	if err != nil {
		return err
	}
	if from.Text != "" {
		s.From = append(s.From, Setting{Name: "duration_seconds", Text: from.Text, Origin: from.Origin.String()})
	}
	if s.clamp(d, before) && b.chain.last(i) {
		b.notes = append(b.notes, fmt.Sprintf("role %s lasts %s, not %s: "+
			"AWS gives no more to a role that is assumed with temporary credentials", s.Profile, short(MaxChained), short(d)))
	}
	return nil
}

// clamp asks for d, or for as much of it as AWS gives after the step before, and reports
// whether that is less.
func (s *Step) clamp(d time.Duration, before Step) bool {
	s.Lasts = d
	if before.Yields.Temporary == No || d <= MaxChained {
		return false
	}
	s.Lasts = MaxChained
	s.Why += fmt.Sprintf("; of the %s asked for, AWS gives %s after a temporary credential", short(d), short(MaxChained))
	return true
}

// askFor decides whether the role's own call carries a code. Only a user's long-lived
// key can present one: an earlier session token may have done so already, and a role's
// credentials never can.
func (b *builder) askFor(s *Step, q *profile.Profile, before []Step) error {
	if !q.Set("mfa_serial") {
		return nil
	}
	serial, holder := q.Value("mfa_serial"), before[len(before)-1].Yields.Who
	for _, b := range before {
		if b.Kind == KindSessionToken && b.MFA.Serial == serial.Text {
			s.Why += "; the session before it has shown the MFA code"
			return nil
		}
	}
	if holder == Role || before[len(before)-1].Kind == KindSessionToken {
		if ambient(serial.Origin) {
			s.Why += fmt.Sprintf("; a role's credentials cannot show an MFA code, "+
				"so the one that %s names is not asked for", serial.Origin)
			return nil
		}
		return &ChainedMFAError{
			Profile: q.Name, Serial: serial.Text, Origin: serial.Origin, NoSession: b.options.NoSession,
			Before: before[len(before)-1].Profile,
		}
	}
	s.MFA = mfaOf(q)
	s.From = append(s.From, settings(q, "mfa_serial", "mfa_process", "mfa_device")...)
	return nil
}

// then plans a role that a program asks a server for, on top of what the profile gives.
// The steps before it are the profile's own, so that their sessions and codes serve every
// such role. What limits the profile's sessions limits this one: AWS would not carry a
// session policy over to the next role.
func (b *builder) then(arn string, before Step) (Step, error) {
	if !profile.IsRoleARN(arn) {
		return Step{}, &RoleARNError{Found: arn}
	}
	s := Step{
		Kind: KindAssumeRole, Profile: b.chain.target.Name, Yields: Yield{Role, Yes},
		Spec:   AssumeRole{ARN: arn, SessionName: b.thenName(before)},
		Region: b.chain.region(b.chain.target, true, arn), Endpoint: endpoint(b.chain.target),
		Why: "this role was asked for on top of the profile", From: settings(b.chain.target, "session_policy", "session_policy_arns"),
	}
	var err error
	if s.Policy, err = ownPolicy(b.chain.target, b.holdings.Policies); err != nil {
		return Step{}, err
	}
	s.clamp(orDefault(b.ownTime(), defaultRole), before)
	return s, checkDuration(s.Lasts, minDuration, maxRole)
}

// thenName names the session as the profile names its own, where that does not take the
// name of a user whom nobody here can tell.
func (b *builder) thenName(before Step) string {
	name := b.chain.target.Text("role_session_name")
	if name == "" || strings.Contains(name, UserName) && before.Yields.Who != User {
		return b.options.Name
	}
	return name
}

// ambient reports whether a setting was meant for profiles at large rather than for
// the one that it reached.
func ambient(o profile.Origin) bool {
	return o.Kind == profile.Environment || o.InDefault()
}

// ownPolicy reads the session policy of q, whose text may be in one of the files.
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

// fits checks what a role inherits from the roles before it: AWS refuses to set a
// transitive tag again or to change the source identity.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_role-chaining
func fits(spec AssumeRole, q *profile.Profile, before []Step) error {
	for _, b := range before {
		r, ok := passedOn(b)
		if !ok {
			continue
		}
		for _, t := range spec.Tags {
			if slices.ContainsFunc(r.TransitiveTags, func(k string) bool { return strings.EqualFold(k, t.Key) }) {
				return &ConflictError{
					Origin: q.Value("session_tags").Origin, Profile: b.Profile, Found: "tag " + t.Key,
					Reason: "passes that tag on to every later role",
				}
			}
		}
		if r.SourceIdentity != "" && spec.SourceIdentity != "" && r.SourceIdentity != spec.SourceIdentity {
			return &ConflictError{
				Origin: q.Value("source_identity").Origin, Profile: b.Profile, Found: "source identity " + spec.SourceIdentity,
				Reason: "has set another, which stays for the whole chain",
			}
		}
	}
	return nil
}

// passedOn is what a step's session passes on to the roles after it, as an AssumeRole that
// sets it would.
func passedOn(s Step) (AssumeRole, bool) {
	switch spec := s.Spec.(type) {
	case AssumeRole:
		return spec, true
	case IdentityRole:
		return AssumeRole{SourceIdentity: spec.SourceIdentity, Tags: spec.Tags, TransitiveTags: spec.TransitiveTags}, true
	}
	return AssumeRole{}, false
}

// withTags is a spec that passedOn knows, with other tags.
func withTags(s Spec, tags []profile.Tag, transitive []string) Spec {
	switch spec := s.(type) {
	case AssumeRole:
		spec.Tags, spec.TransitiveTags = tags, transitive
		return spec
	case IdentityRole: // which puts them into its token
		spec.Tags, spec.TransitiveTags = tags, transitive
		return spec
	}
	return s
}
