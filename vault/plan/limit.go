package plan

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"aws-vault/vault/policy"
	"aws-vault/vault/profile"
)

// What agent_access may be besides the ARN or the name of a policy. ReadOnly may also stand
// in [Options].
const (
	ReadOnly     = "read-only"
	accessOff    = "off"
	accessDenied = "deny"
)

// The tags by which sessions of coding agents are known in CloudTrail and to policies.
const (
	accessTag = "aws-vault:AccessType"
	agentTag  = "aws-vault:Agent"
	byAgent   = "ai" // the value of accessTag
)

// A NamedPolicy is a session policy that a section of the config file holds under a name.
type NamedPolicy struct {
	Text   string // JSON, or file:// and a path
	ARNs   []string
	Origin string
}

// A limit is what the credentials handed out may do at most, besides what their profile says.
type limit struct {
	readOnly bool // AWS's own policy, which has a name in each partition
	policy   policy.Policy
	agent    string // whose tags and sessions are to be its own; empty for a person
	tags     bool
	replaces bool // the profile names this policy for agents, in the place of its own
}

func (l limit) isZero() bool { return !l.readOnly && l.policy.IsZero() }

// decideLimit reads what the user and, for an agent, the profile have to say.
func (c *chain) decideLimit() error {
	if c.options.For == Rotate {
		return nil
	}
	if err := c.agentLimit(); err != nil {
		return err
	}
	for _, name := range c.options.Limits {
		if err := c.limitBy(name, profile.Value{Origin: profile.Origin{Kind: profile.CommandLine, Name: "--policy"}}); err != nil {
			return err
		}
	}
	return nil
}

func (c *chain) agentLimit() error {
	agent := c.options.Agent
	if agent.Name == "" {
		return nil
	}
	v := c.target.Value("agent_access")
	access, where := cmp.Or(v.Text, ReadOnly), "as agent_access is not set"
	if v.Text != "" {
		where = fmt.Sprintf("as agent_access says (%s)", v.Origin)
	}
	switch access {
	case accessOff:
		return nil
	case accessDenied:
		return &AgentDeniedError{Profile: c.target.Name, Agent: agent, Origin: v.Origin}
	}
	c.bound.agent, c.bound.tags = agent.Name, TagsAgents(c.target)
	c.bound.replaces = access != ReadOnly && !ambient(v.Origin)
	c.notes = append(c.notes, fmt.Sprintf("%s says that a coding agent asks, so the session is limited to %s, %s", agent.Variable, access, where))
	return c.limitBy(access, v)
}

// TagsAgents reports whether the sessions that coding agents get of a profile are tagged.
func TagsAgents(p *profile.Profile) bool {
	access := p.Text("agent_access")
	return access != accessOff && access != accessDenied && p.Text("agent_tags") != accessOff
}

// limitBy adds the policy of that name, ARN or file.
func (c *chain) limitBy(name string, from profile.Value) error {
	if name == ReadOnly {
		if c.bound.policy.IsZero() {
			c.bound.readOnly = true
			return nil
		}
		name = policy.ReadOnly(c.partition()).ARNs[0]
	}
	p, err := c.limitNamed(name)
	if err != nil {
		return &SettingError{Origin: from.Origin, Err: err}
	}
	before := c.bound.policy
	if c.bound.readOnly {
		before, c.bound.readOnly = policy.ReadOnly(c.partition()), false
	}
	if c.bound.policy, err = policy.Combine(before, p); err != nil {
		return &SettingError{Origin: from.Origin, Err: err}
	}
	return nil
}

// ErrNoPolicy is returned for the name of a session policy that is nowhere.
var ErrNoPolicy = errors.New("there is no section of that name, and it is no ARN of a policy and no file://")

func (c *chain) limitNamed(name string) (policy.Policy, error) {
	switch {
	case strings.HasPrefix(name, "arn:"):
		return policy.Parse("", []string{name})
	case strings.HasPrefix(name, "file://"):
		return limiting(c.holdings.Policies[name], nil, name)
	}
	named, ok := c.holdings.Named[name]
	if !ok {
		return policy.Policy{}, fmt.Errorf("session-policy %.80q: %w", name, ErrNoPolicy)
	}
	text := named.Text
	if strings.HasPrefix(text, "file://") {
		text = c.holdings.Policies[text]
	}
	return limiting(text, named.ARNs, named.Origin)
}

// limiting is a policy that limits something: an empty file would limit nothing.
func limiting(text string, arns []string, origin string) (policy.Policy, error) {
	p, err := policy.Parse(text, arns)
	if err == nil && p.IsZero() {
		err = &policy.Error{Found: "empty", Want: "an IAM policy document"}
	}
	if err != nil {
		return policy.Policy{}, fmt.Errorf("%s: %w", origin, err)
	}
	return p, nil
}

// partition is where the credentials handed out are used.
func (c *chain) partition() string {
	for _, q := range slices.Backward(c.profiles) {
		for _, name := range []string{"role_arn", "mfa_serial"} {
			if parts := strings.SplitN(q.Text(name), ":", 3); len(parts) == 3 {
				return parts[1]
			}
		}
	}
	return Partition(c.target.Text("region"))
}

// carriesPolicy reports whether the step's own call to AWS takes a session policy.
func (s Step) carriesPolicy() bool {
	return s.Kind == KindAssumeRole || s.Kind == KindWebIdentity || s.Kind == KindFederationToken
}

// restrict puts the limit into the steps: the last one carries it, and roles before it may
// assume the next role and do nothing else. What does not take a policy may come before,
// for it does not leave the process.
func (c *chain) restrict(pl Plan) (Plan, error) {
	if c.bound.isZero() {
		return pl, nil
	}
	for i := range pl.Steps {
		s := &pl.Steps[i]
		last := i == len(pl.Steps)-1
		switch {
		case s.carriesPolicy() && last:
			if err := c.limitLast(s); err != nil {
				return Plan{}, err
			}
		case s.carriesPolicy():
			p, err := s.Policy.ForChain()
			if err != nil {
				return Plan{}, &OwnPolicyError{Profile: s.Profile, Hop: true, Agent: c.bound.agent != "", Err: err}
			}
			s.Policy = p
		case last:
			return Plan{}, &UnlimitedError{Profile: pl.Profile, Kind: s.Kind, Agent: c.bound.agent != ""}
		default:
			continue
		}
		s.Agent = c.bound.agent
	}
	return pl, c.tag(pl.Steps)
}

func (c *chain) limitLast(s *Step) error {
	want := c.bound.policy
	if c.bound.readOnly {
		want = policy.ReadOnly(c.partition())
	}
	own := s.Policy
	if c.bound.replaces && s.Profile == c.target.Name {
		own = policy.Policy{}
	}
	var err error
	s.Policy, err = policy.Combine(own, want)
	var conflict *policy.ConflictError
	if errors.As(err, &conflict) {
		return &OwnPolicyError{Profile: s.Profile, Agent: c.bound.agent != "", Err: err}
	}
	return err
}

// tag names the agent in the first role that takes tags, which passes them on to the rest.
func (c *chain) tag(steps []Step) error {
	if c.bound.agent == "" || !c.bound.tags {
		return nil
	}
	begun := false
	for i := range steps {
		spec, ok := steps[i].Spec.(AssumeRole)
		if !ok {
			continue
		}
		if j := slices.IndexFunc(spec.Tags, isOurs); j >= 0 {
			return &ConflictError{
				Origin: c.tagOrigin(steps[i].Profile), Profile: steps[i].Profile, Found: "tag " + spec.Tags[j].Key,
				Reason: "is used by a coding agent, and its session carries that tag already",
			}
		}
		if begun {
			continue
		}
		begun = true
		if most := maxTags - 2; len(spec.Tags) > most {
			return &ConflictError{
				Origin: c.tagOrigin(steps[i].Profile), Profile: steps[i].Profile, Found: fmt.Sprintf("more than %d tags", most),
				Reason: "is used by a coding agent, and its session carries two more",
			}
		}
		spec.Tags = append(slices.Clone(spec.Tags), profile.Tag{Key: accessTag, Value: byAgent}, profile.Tag{Key: agentTag, Value: c.bound.agent})
		slices.SortFunc(spec.Tags, func(a, b profile.Tag) int { return strings.Compare(a.Key, b.Key) })
		spec.TransitiveTags = slices.Sorted(slices.Values(append(slices.Clone(spec.TransitiveTags), accessTag, agentTag)))
		steps[i].Spec = spec
	}
	return nil
}

// maxTags is the most tags that a session takes in one call.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
const maxTags = 50

// isOurs reports whether a tag has the name of one of ours; AWS does not look at case.
func isOurs(t profile.Tag) bool {
	return strings.EqualFold(t.Key, accessTag) || strings.EqualFold(t.Key, agentTag)
}

func (c *chain) tagOrigin(name string) profile.Origin {
	for _, q := range c.profiles {
		if q.Name == name {
			return q.Value("session_tags").Origin
		}
	}
	return profile.Origin{}
}

// federates reports whether a user's key is handed out as a federated user's credentials:
// these carry a policy, as a session token does not. They show no MFA code, so a profile
// that wants one is not served this way.
func (c *chain) federates() bool {
	return !c.bound.isZero() && len(c.roles) == 0 && c.root.Yields == (Yield{User, No}) && c.options.For != Console && !c.target.Set("mfa_serial")
}

// federate ends the plan with a federated user.
func (c *chain) federate(pl Plan) (Plan, error) {
	pl.Calls = []Call{{Service: "sts", Region: c.region(c.target, true), Endpoint: endpoint(c.target)}}
	s, err := c.federation(pl)
	if err != nil {
		return Plan{}, err
	}
	pl.Calls = nil
	s.Why = "a session token takes no session policy, and a federated user has the rights of the user but for what the policy leaves out"
	pl.Steps = append(pl.Steps, s)
	return pl, nil
}
