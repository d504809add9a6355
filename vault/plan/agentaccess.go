package plan

import (
	"cmp"
	"fmt"
	"slices"

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

// An agentAccess is what profiles set about coding agents for the credentials of a chain.
type agentAccess struct {
	chain *chain
	then  []string           // the ARNs of roles that are assumed after the chain
	rules profile.AgentRules // of all profiles
}

// holders are the roles and profiles of the chain, the one that was asked for first.
func (a agentAccess) holders() []holder {
	var all []holder
	for _, q := range slices.Backward(a.chain.profiles) {
		if v, ok := ownSetting(q, "agent_access"); ok {
			all = append(all, holder{"profile " + q.Name, []profile.AgentRule{{Profile: q.Name, Access: v}}})
		}
		if slices.Contains(a.chain.roles, q) {
			all = append(all, a.role(q.Text("role_arn")))
		}
	}
	all = append(all, a.root())
	for _, arn := range a.then {
		h := a.role(arn)
		if v := a.rules.Default; len(h.rules) == 0 && v.Text != "" {
			h.rules = []profile.AgentRule{{Profile: "default", Access: v}} // as for a profile that sets nothing
		}
		all = append(all, h)
	}
	return all
}

func (a agentAccess) role(arn string) holder {
	return holder{"role " + arn, a.rules.Of(profile.RolePrincipal(arn))}
}

// root is for the first step of the chain. A step whose credentials are nobody's in
// particular has no rules but those of its profile.
func (a agentAccess) root() holder {
	switch spec := a.chain.root.Spec.(type) {
	case WebIdentity:
		return a.role(spec.ARN)
	case OIDCRole:
		return a.role(spec.ARN)
	case IdentityRole:
		return a.role(spec.ARN)
	case RolesAnywhere:
		return a.role(spec.Role)
	case SSORole:
		of := a.rules.Of(profile.SSOPrincipal(spec.Account, spec.Role))
		return holder{"role " + spec.Role + " of account " + spec.Account, of}
	case Login:
		return holder{spec.Session, a.rules.Of(profile.SignInPrincipal(spec.Session))}
	}
	return holder{}
}

// policies returns the rules whose policies limit the agent's credentials, each policy once. It
// fails with an [*AgentDeniedError] where a rule forbids them.
func (a agentAccess) policies(agent policy.Agent) ([]profile.AgentRule, error) {
	var policies []profile.AgentRule
	add := func(name string, r profile.AgentRule) error {
		switch access := r.Access.Text; {
		case access == accessDenied:
			return &AgentDeniedError{Profile: r.Profile, Name: name, Agent: agent, Origin: r.Access.Origin}
		case access != accessOff && !slices.ContainsFunc(policies, func(p profile.AgentRule) bool { return p.Access.Text == access }):
			policies = append(policies, r)
		}
		return nil
	}
	for _, h := range a.holders() {
		r, ok, err := h.strictest()
		if err == nil && ok {
			err = add(h.name, r)
		}
		if err != nil {
			return nil, err
		}
	}
	own, ok, err := a.unset()
	if err == nil && ok {
		err = add("profile "+a.chain.target.Name, own)
	}
	return policies, err
}

// unset is the rule for a profile that sets none: that of [default], or else read-only. It
// is for the profile that was asked for, and not for those on the way. A policy that another
// profile sets for the same role replaces it: the two are for the same rights.
func (a agentAccess) unset() (profile.AgentRule, bool, error) {
	v, of, own := a.setting("agent_access")
	if own {
		return profile.AgentRule{}, false, nil
	}
	r := profile.AgentRule{Profile: of, Access: v}
	r.Access.Text = cmp.Or(v.Text, ReadOnly)
	last := a.root()
	if n := len(a.chain.roles); n > 0 {
		last = a.role(a.chain.roles[n-1].Text("role_arn"))
	}
	set, ok, err := last.strictest()
	return r, !ok || accessRank(set.Access.Text) < accessRank(r.Access.Text), err
}

// setting returns what counts for the profile that was asked for, which profile sets it, and
// whether that is its own setting. A profile that only forwards the credentials of another is held
// to what that one sets.
func (a agentAccess) setting(name string) (v profile.Value, of string, own bool) {
	for _, q := range slices.Backward(a.chain.profiles) {
		if v, ok := ownSetting(q, name); ok {
			return v, q.Name, true
		}
		if q.Set("role_arn") {
			break
		}
	}
	return a.chain.target.Value(name), a.chain.target.Name, false
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
