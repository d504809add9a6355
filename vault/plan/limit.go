package plan

import (
	"errors"
	"fmt"
	"strings"

	"aws-vault/vault/policy"
	"aws-vault/vault/profile"
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
	replaces string // the profile that names this policy for agents, in the place of its own; empty for none
}

func (l limit) isZero() bool { return !l.readOnly && l.policy.IsZero() }

// decideLimit reads what the user and, for an agent, the profiles have to say about the credentials of
// a chain. The note is for the user; it is empty for none.
func decideLimit(c *chain, h Holdings, o Options) (bound limit, note string, err error) {
	if o.For == Rotate {
		return limit{}, "", nil
	}
	l := limiter{chain: c, holdings: h}
	if o.Agent.Name != "" {
		if note, err = l.agent(o.Agent, agentAccess{chain: c, then: o.Then, rules: h.Agents}); err != nil {
			return limit{}, "", err
		}
	}
	for _, name := range o.Limits {
		if err := l.add(name, profile.Origin{Kind: profile.CommandLine, Name: "--policy"}); err != nil {
			return limit{}, "", err
		}
	}
	return l.bound, note, nil
}

// A limiter puts a limit together from policies that are given by name.
type limiter struct {
	chain    *chain
	holdings Holdings
	bound    limit
}

// add adds the policy of that name, ARN or file.
func (l *limiter) add(name string, from profile.Origin) error {
	if name == ReadOnly {
		if l.bound.policy.IsZero() {
			l.bound.readOnly = true
			return nil
		}
		name = policy.ReadOnly(l.chain.partition()).ARNs[0]
	}
	p, err := l.named(name)
	if err != nil {
		return &SettingError{Origin: from, Err: err}
	}
	before := l.bound.policy
	if l.bound.readOnly {
		before, l.bound.readOnly = policy.ReadOnly(l.chain.partition()), false
	}
	if l.bound.policy, err = policy.Combine(before, p); err != nil {
		return &SettingError{Origin: from, Err: err}
	}
	return nil
}

// agent limits what a coding agent receives, and returns what the user should know. For each role of
// the chain, the strictest rule of any profile with that role holds, so that another profile's name is
// no way around it.
func (l *limiter) agent(agent policy.Agent, access agentAccess) (note string, err error) {
	rules, err := access.policies(agent)
	if err != nil || len(rules) == 0 {
		return "", err
	}
	tags, _, _ := access.setting("agent_tags")
	l.bound.agent, l.bound.tags = agent.Name, tags.Text != accessOff
	if v, of, own := access.setting("agent_access"); own && v.Text != ReadOnly && accessRank(v.Text) == policyRank {
		l.bound.replaces = of
	}
	var names []string
	for i, r := range rules {
		var conflict *policy.ConflictError
		if err := l.add(r.Access.Text, r.Access.Origin); errors.As(err, &conflict) {
			return "", &AgentPoliciesError{Name: "the chain of profile " + l.chain.target.Name, A: rules[i-1], B: r}
		} else if err != nil {
			return "", err
		}
		names = append(names, fmt.Sprintf("%s (%s)", r.Access.Text, ruleOrigin(r)))
	}
	return fmt.Sprintf("%s is set: for a coding agent, the session is limited to %s",
		agent.Variable, strings.Join(names, " and ")), nil
}

// ErrNoPolicy is returned for the name of a session policy that is nowhere.
var ErrNoPolicy = errors.New("there is no section of that name, and it is no ARN of a policy and no file://")

func (l *limiter) named(name string) (policy.Policy, error) {
	switch {
	case strings.HasPrefix(name, "arn:"):
		return policy.Parse("", []string{name})
	case strings.HasPrefix(name, "file://"):
		return limiting(l.holdings.Policies[name], nil, name)
	}
	named, ok := l.holdings.Named[name]
	if !ok {
		return policy.Policy{}, fmt.Errorf("session-policy %.80q: %w", name, ErrNoPolicy)
	}
	text := named.Text
	if strings.HasPrefix(text, "file://") {
		text = l.holdings.Policies[text]
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
