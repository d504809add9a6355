package plan

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"aws-vault/vault/partition"
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
	return partition.Of(c.target.Text("region"))
}
