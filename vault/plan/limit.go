package plan

import (
	"errors"
	"fmt"
	"strings"

	"aws-vault/vault/policy"
	"aws-vault/vault/profile"
)

// A NamedPolicy is a [session-policy NAME] section of the config file.
type NamedPolicy struct {
	Text   string // the policy as JSON, or file:// and the path of a file with the policy
	ARNs   []string
	Origin string
}

// A limit restricts what the final credentials may do, in addition to the session policy of their
// profile.
type limit struct {
	readOnly bool // the limit is AWS's ReadOnlyAccess policy, whose ARN depends on the partition
	policy   policy.Policy
	agent    string // name of the coding agent that the limit applies to; empty for a user
	tags     bool
	// name of the profile whose session policy this limit replaces, because the profile sets a separate policy for
	// agents; empty if the limit replaces no policy
	replaces string
}

func (l limit) isZero() bool { return !l.readOnly && l.policy.IsZero() }

// decideLimit returns the limit that the user requests. For a coding agent, the limit also includes the rules of
// the profiles. The result note is a message for the user. It may be empty.
func decideLimit(c *chain, h Holdings, o Options) (bound limit, note string, err error) {
	if o.Purpose == Rotate {
		return limit{}, "", nil
	}
	l := limiter{chain: c, holdings: h}
	if o.Agent.Name != "" {
		if note, err = l.agent(o.Agent, agentAccess{chain: c, extraRoles: o.ExtraRoles, rules: h.Agents}); err != nil {
			return limit{}, "", err
		}
	}
	for _, name := range o.Limits {
		if err := l.add(name, profile.Origin{Kind: profile.CommandLine, Name: "--policy"}); err != nil {
			return limit{}, "", err
		}
	}
	return l.result, note, nil
}

// A limiter combines several session policies into one limit.
type limiter struct {
	chain    *chain
	holdings Holdings
	result   limit
}

// add adds the policy with that name, ARN or file:// URL to the limit.
func (l *limiter) add(name string, from profile.Origin) error {
	if name == ReadOnly && l.result.policy.IsZero() {
		l.result.readOnly = true
		return nil
	}
	p, err := l.named(name)
	if err != nil {
		return &SettingError{Origin: from, Err: err}
	}
	before := l.result.policy
	if l.result.readOnly {
		before, l.result.readOnly = policy.ReadOnly(l.chain.partition()), false
	}
	if l.result.policy, err = policy.Combine(before, p); err != nil {
		return &SettingError{Origin: from, Err: err}
	}
	return nil
}

// agent limits the credentials of a coding agent and returns a note for the user. For each role of
// the chain, the strictest rule of all profiles with that role applies. An agent therefore cannot
// avoid a rule by using another profile.
func (l *limiter) agent(agent policy.Agent, access agentAccess) (note string, err error) {
	rules, err := access.policies(agent)
	if err != nil || len(rules) == 0 {
		return "", err
	}
	tags, _, _ := access.setting("agent_tags")
	l.result.agent, l.result.tags = agent.Name, tags.Text != accessOff
	if v, of, own := access.setting("agent_access"); own && v.Text != ReadOnly && accessRank(v.Text) == policyRank {
		l.result.replaces = of
	}
	var names []string
	for i, r := range rules {
		var conflict *policy.ConflictError
		if err := l.add(r.Access.Text, r.Access.Origin); errors.As(err, &conflict) {
			return "", &AgentPoliciesError{Name: "the chain of profile " + l.chain.target.Name, A: l.conflicting(rules[:i], r), B: r}
		} else if err != nil {
			return "", err
		}
		names = append(names, fmt.Sprintf("%s (%s)", r.Access.Text, ruleOrigin(r)))
	}
	return fmt.Sprintf("%s is set: the session of this coding agent is limited to %s",
		agent.Variable, strings.Join(names, " and ")), nil
}

// conflicting returns the first of the rules whose policy cannot be combined with the policy of the rule r.
func (l *limiter) conflicting(rules []profile.AgentRule, r profile.AgentRule) profile.AgentRule {
	other, _ := l.named(r.Access.Text) // all policies are valid, because the method add has already read them
	for _, a := range rules {
		p, _ := l.named(a.Access.Text)
		if _, err := policy.Combine(p, other); err != nil {
			return a
		}
	}
	return rules[len(rules)-1]
}

// ErrNoPolicy reports that there is no session policy with the given name.
var ErrNoPolicy = errors.New("found no section with this name, expected the name of a [session-policy] section, the ARN of a policy or a file:// URL")

// named returns the policy with that name, ARN or file:// URL, or the policy that limits a session to reading.
func (l *limiter) named(name string) (policy.Policy, error) {
	switch {
	case name == ReadOnly:
		return policy.ReadOnly(l.chain.partition()), nil
	case strings.HasPrefix(name, "arn:"):
		return policy.Parse("", []string{name})
	case strings.HasPrefix(name, "file://"):
		return parseNonEmpty(l.holdings.Policies[name], nil, name)
	}
	named, ok := l.holdings.Named[name]
	if !ok {
		return policy.Policy{}, fmt.Errorf("session-policy %.80q: %w", name, ErrNoPolicy)
	}
	text := named.Text
	if strings.HasPrefix(text, "file://") {
		text = l.holdings.Policies[text]
	}
	return parseNonEmpty(text, named.ARNs, named.Origin)
}

// parseNonEmpty parses a policy and fails if it is empty, because an empty policy would limit
// nothing.
func parseNonEmpty(text string, arns []string, origin string) (policy.Policy, error) {
	p, err := policy.Parse(text, arns)
	if err == nil && p.IsZero() {
		err = &policy.Error{Found: "empty", Want: "an IAM policy document"}
	}
	if err != nil {
		return policy.Policy{}, fmt.Errorf("%s: %w", origin, err)
	}
	return p, nil
}
