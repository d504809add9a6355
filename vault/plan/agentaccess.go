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

// What agent_access may be besides the ARN or the name of a policy. ReadOnly may also be in
// [Options].
const (
	ReadOnly     = "read-only"
	accessOff    = "off"
	accessDenied = "deny"
)

// policyRank is the rank of every agent_access that accessRanks does not list: they name a policy.
const policyRank = 1

// accessRanks orders the values of agent_access: of two, the one with the higher rank is stricter.
// A value that lets a person decide each time belongs between a policy and deny.
var accessRanks = []struct {
	access string
	rank   int
}{
	{accessOff, 0},
	{accessDenied, 3},
}

func accessRank(access string) int {
	for _, r := range accessRanks {
		if r.access == access {
			return r.rank
		}
	}
	return policyRank
}

// A holder is a role, or a profile with credentials of its own, that the credentials of a chain
// come from.
type holder struct {
	name  string // in words
	rules []profile.AgentRule
}

// strictest returns the rule that holds, and false for none. Two policies for one role are an
// error: neither is stricter. So is a profile that cannot be read, as it may forbid the role.
func (h holder) strictest() (found profile.AgentRule, ok bool, err error) {
	for _, r := range h.rules {
		if r.Err != nil {
			return found, false, &SharedRoleError{Name: h.name, Profile: r.Profile, Err: r.Err}
		}
		if !ok || accessRank(r.Access.Text) > accessRank(found.Access.Text) {
			found, ok = r, true
		}
	}
	for _, r := range h.rules {
		if accessRank(found.Access.Text) == policyRank && accessRank(r.Access.Text) == policyRank && r.Access.Text != found.Access.Text {
			return found, false, &AgentPoliciesError{Name: h.name, A: found, B: r}
		}
	}
	return found, ok, nil
}

// holders are the roles and profiles of the chain, the one that was asked for first.
func (c *chain) holders() []holder {
	var all []holder
	for _, q := range slices.Backward(c.profiles) {
		if v, ok := ownSetting(q, "agent_access"); ok {
			all = append(all, holder{"profile " + q.Name, []profile.AgentRule{{Profile: q.Name, Access: v}}})
		}
		if slices.Contains(c.roles, q) {
			all = append(all, c.roleHolder(q.Text("role_arn")))
		}
	}
	all = append(all, c.rootHolder())
	for _, arn := range c.options.Then {
		h := c.roleHolder(arn)
		if v := c.holdings.Agents.Default; len(h.rules) == 0 && v.Text != "" {
			h.rules = []profile.AgentRule{{Profile: "default", Access: v}} // as for a profile that sets nothing
		}
		all = append(all, h)
	}
	return all
}

func (c *chain) roleHolder(arn string) holder {
	return holder{"role " + arn, c.holdings.Agents.Of(profile.RolePrincipal(arn))}
}

// rootHolder is for the first step of the chain. A step whose credentials are nobody's in
// particular has no rules but those of its profile.
func (c *chain) rootHolder() holder {
	switch spec := c.root.Spec.(type) {
	case WebIdentity:
		return c.roleHolder(spec.ARN)
	case OIDCRole:
		return c.roleHolder(spec.ARN)
	case IdentityRole:
		return c.roleHolder(spec.ARN)
	case RolesAnywhere:
		return c.roleHolder(spec.Role)
	case SSORole:
		return holder{"role " + spec.Role + " of account " + spec.Account, c.holdings.Agents.Of(profile.SSOPrincipal(spec.Account, spec.Role))}
	case Login:
		return holder{spec.Session, c.holdings.Agents.Of(profile.SignInPrincipal(spec.Session))}
	}
	return holder{}
}

// agentLimit limits what a coding agent receives. For each role of the chain, the strictest rule
// of any profile with that role holds, so that another profile's name is no way around it.
func (c *chain) agentLimit() error {
	agent := c.options.Agent
	if agent.Name == "" {
		return nil
	}
	policies, err := c.agentPolicies()
	if err != nil || len(policies) == 0 {
		return err
	}
	tags, _, _ := c.agentSetting("agent_tags")
	c.bound.agent, c.bound.tags = agent.Name, tags.Text != accessOff
	if v, of, own := c.agentSetting("agent_access"); own && v.Text != ReadOnly && accessRank(v.Text) == policyRank {
		c.bound.replaces = of
	}
	var names []string
	for i, r := range policies {
		var conflict *policy.ConflictError
		if err := c.limitBy(r.Access.Text, r.Access); errors.As(err, &conflict) {
			return &AgentPoliciesError{Name: "the chain of profile " + c.target.Name, A: policies[i-1], B: r}
		} else if err != nil {
			return err
		}
		names = append(names, fmt.Sprintf("%s (%s)", r.Access.Text, ruleOrigin(r)))
	}
	c.notes = append(c.notes, fmt.Sprintf("%s is set: for a coding agent, the session is limited to %s", agent.Variable, strings.Join(names, " and ")))
	return nil
}

// agentPolicies returns the rules whose policies limit the credentials, each policy once. It
// fails with an [*AgentDeniedError] where a rule forbids them.
func (c *chain) agentPolicies() ([]profile.AgentRule, error) {
	var policies []profile.AgentRule
	add := func(name string, r profile.AgentRule) error {
		switch access := r.Access.Text; {
		case access == accessDenied:
			return &AgentDeniedError{Profile: r.Profile, Name: name, Agent: c.options.Agent, Origin: r.Access.Origin}
		case access != accessOff && !slices.ContainsFunc(policies, func(p profile.AgentRule) bool { return p.Access.Text == access }):
			policies = append(policies, r)
		}
		return nil
	}
	for _, h := range c.holders() {
		r, ok, err := h.strictest()
		if err == nil && ok {
			err = add(h.name, r)
		}
		if err != nil {
			return nil, err
		}
	}
	own, ok, err := c.unsetAccess()
	if err == nil && ok {
		err = add("profile "+c.target.Name, own)
	}
	return policies, err
}

// unsetAccess is the rule for a profile that sets none: that of [default], or else read-only. It
// is for the profile that was asked for, and not for those on the way. A policy that another
// profile sets for the same role replaces it: the two are for the same rights.
func (c *chain) unsetAccess() (profile.AgentRule, bool, error) {
	v, of, own := c.agentSetting("agent_access")
	if own {
		return profile.AgentRule{}, false, nil
	}
	r := profile.AgentRule{Profile: of, Access: v}
	r.Access.Text = cmp.Or(v.Text, ReadOnly)
	last := c.rootHolder()
	if n := len(c.roles); n > 0 {
		last = c.roleHolder(c.roles[n-1].Text("role_arn"))
	}
	set, ok, err := last.strictest()
	return r, !ok || accessRank(set.Access.Text) < accessRank(r.Access.Text), err
}

// agentSetting returns what counts for the profile that was asked for, which profile sets it, and
// whether that is its own setting. A profile that only forwards the credentials of another is held
// to what that one sets.
func (c *chain) agentSetting(name string) (v profile.Value, of string, own bool) {
	for _, q := range slices.Backward(c.profiles) {
		if v, ok := ownSetting(q, name); ok {
			return v, q.Name, true
		}
		if q.Set("role_arn") {
			break
		}
	}
	return c.target.Value(name), c.target.Name, false
}

// ownSetting returns what a profile sets for itself. What [default] sets is for all profiles.
func ownSetting(q *profile.Profile, name string) (profile.Value, bool) {
	v := q.Value(name)
	return v, v.Text != "" && !v.Inherited() && q.Name != "default"
}

// ruleOrigin says where a rule is set.
func ruleOrigin(r profile.AgentRule) string {
	if r.Access.Origin.Kind == profile.Unset {
		return "agent_access is not set in profile " + r.Profile
	}
	return r.Access.Origin.String()
}

// AgentDeniedError reports a role or a profile that is closed to coding agents.
type AgentDeniedError struct {
	Profile string // that sets it
	Name    string // the role or profile, in words
	Agent   policy.Agent
	Origin  profile.Origin // of agent_access
}

func (e *AgentDeniedError) Error() string {
	return fmt.Sprintf("%s: agent_access = deny closes %s to coding agents, and %s is set", e.Origin, e.Name, e.Agent.Variable)
}

// AgentPoliciesError reports two policies for coding agents where only one can be used.
type AgentPoliciesError struct {
	Name string // what both are for
	A, B profile.AgentRule
}

func (e *AgentPoliciesError) Error() string {
	return fmt.Sprintf("agent_access sets two policies for %s, %s (%s) and %s (%s), expected one",
		e.Name, e.A.Access.Text, ruleOrigin(e.A), e.B.Access.Text, ruleOrigin(e.B))
}

// SharedRoleError reports another profile with the same role that cannot be read, and that may
// close the role to coding agents.
type SharedRoleError struct {
	Name    string // the role
	Profile string
	Err     error
}

func (e *SharedRoleError) Error() string {
	return fmt.Sprintf("profile %s, which may close %s to coding agents, cannot be read: %v", e.Profile, e.Name, e.Err)
}

// Unwrap returns what is wrong with the profile.
func (e *SharedRoleError) Unwrap() error { return e.Err }
