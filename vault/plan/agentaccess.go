package plan

import (
	"cmp"
	"fmt"
	"slices"

	"aws-vault/vault/policy"
	"aws-vault/vault/profile"
)

// The values of agent_access that are not the ARN or the name of a policy. ReadOnly can also be in
// [Options.Limits].
const (
	ReadOnly     = "read-only"
	accessOff    = "off"
	accessDenied = "deny"
)

// policyRank is the rank of all values of agent_access that are not in accessRanks. These values
// name a policy.
const policyRank = 1

// accessRanks orders the values of agent_access. The value with the higher rank is stricter. The rank between
// policyRank and the rank of deny is reserved for a future value that prompts the user each time.
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

// A ruleSet holds the agent rules for one role, or for one profile with credentials of its own.
type ruleSet struct {
	name  string // the role or profile, as error messages name it
	rules []profile.AgentRule
}

// strictest returns the strictest rule, and false if there are no rules. It fails if the strictest rules name
// different policies, because neither policy is stricter than the other. It also fails if a profile cannot be
// read, because that profile may set deny.
func (h ruleSet) strictest() (found profile.AgentRule, ok bool, err error) {
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

// An agentAccess finds the agent rules that apply to the credentials of a chain.
type agentAccess struct {
	chain      *chain
	extraRoles []string           // ARNs of the roles that are assumed after the chain
	rules      profile.AgentRules // the rules of all profiles
}

// ruleSets returns the rules for the roles and profiles of the chain. The rules for the requested
// profile come first.
func (a agentAccess) ruleSets() []ruleSet {
	var all []ruleSet
	for _, q := range slices.Backward(a.chain.profiles) {
		if v, ok := ownSetting(q, "agent_access"); ok {
			all = append(all, ruleSet{"profile " + q.Name, []profile.AgentRule{{Profile: q.Name, Access: v}}})
		}
		if slices.Contains(a.chain.roles, q) {
			all = append(all, a.role(q.Text("role_arn")))
		}
	}
	all = append(all, a.root())
	for _, arn := range a.extraRoles {
		h := a.role(arn)
		if v := a.rules.Default; len(h.rules) == 0 && v.Text != "" {
			// a role without rules gets the rule of [default], as a profile without rules does
			h.rules = []profile.AgentRule{{Profile: "default", Access: v}}
		}
		all = append(all, h)
	}
	return all
}

func (a agentAccess) role(arn string) ruleSet {
	return ruleSet{"role " + arn, a.rules.Of(profile.RolePrincipal(arn))}
}

// root returns the rules for the role or user of the chain's first step. If the settings do not name that role or
// user, root returns no rules, and only the rules of the profile apply.
func (a agentAccess) root() ruleSet {
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
		return ruleSet{"role " + spec.Role + " of account " + spec.Account, of}
	case Login:
		return ruleSet{spec.Session, a.rules.Of(profile.SignInPrincipal(spec.Session))}
	}
	return ruleSet{}
}

// policies returns the rules whose policies limit the agent's credentials. Each policy is listed once. The method
// policies fails with an [*AgentDeniedError] if a rule denies access.
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
	for _, h := range a.ruleSets() {
		r, ok, err := h.strictest()
		if err == nil && ok {
			err = add(h.name, r)
		}
		if err != nil {
			return nil, err
		}
	}
	own, ok, err := a.defaultRule()
	if err == nil && ok {
		err = add("profile "+a.chain.target.Name, own)
	}
	return policies, err
}

// defaultRule returns the rule for a requested profile that has no rule of its own. This is the rule of [default],
// or read-only if [default] has no rule. defaultRule returns false if the profile has its own rule. It also
// returns false if the rules for the profile's role are at least as strict as the default rule. The default rule
// never applies to other profiles of the chain.
func (a agentAccess) defaultRule() (profile.AgentRule, bool, error) {
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

// setting returns the value of a setting for the requested profile, and the profile that sets the value. The
// result own is false if the value comes from [default] or is not set. A profile without role_arn uses the
// credentials of its source_profile, so the setting of the source_profile applies to it.
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

// ownSetting returns the value of a setting that the profile itself sets. It returns false if the value
// comes from [default] or is empty.
func ownSetting(q *profile.Profile, name string) (profile.Value, bool) {
	v := q.Value(name)
	return v, v.Text != "" && !v.Inherited() && q.Name != "default"
}

// ruleOrigin returns the place where a rule is set, for messages.
func ruleOrigin(r profile.AgentRule) string {
	if r.Access.Origin.Kind == profile.Unset {
		return "agent_access is not set in profile " + r.Profile
	}
	return r.Access.Origin.String()
}

// AgentDeniedError reports a role or profile that coding agents must not use.
type AgentDeniedError struct {
	Profile string // the profile that sets deny
	Name    string // the role or profile, as error messages name it
	Agent   policy.Agent
	Origin  profile.Origin // where agent_access is set
}

func (e *AgentDeniedError) Error() string {
	return fmt.Sprintf("%s: agent_access = deny forbids coding agents to use %s (%s is set, so a coding agent runs aws-vault)", e.Origin, e.Name, e.Agent.Variable)
}

// AgentPoliciesError reports that two rules set different policies for the same role or profile, or that the policies
// for the roles and profiles of a chain cannot be combined.
type AgentPoliciesError struct {
	Name string // the role, profile or chain that both policies apply to
	A, B profile.AgentRule
}

func (e *AgentPoliciesError) Error() string {
	return fmt.Sprintf("agent_access sets two policies for %s: %s (%s) and %s (%s), expected one",
		e.Name, e.A.Access.Text, ruleOrigin(e.A), e.B.Access.Text, ruleOrigin(e.B))
}

// SharedRoleError reports that another profile with the same role, or with the same identity of aws login, cannot be
// read. Access is denied, because that profile may set agent_access = deny.
type SharedRoleError struct {
	Name    string // the role or identity
	Profile string
	Err     error
}

func (e *SharedRoleError) Error() string {
	return fmt.Sprintf("profile %s cannot be read, but it may forbid coding agents to use %s: %v", e.Profile, e.Name, e.Err)
}

// Unwrap returns the reason why the profile cannot be read.
func (e *SharedRoleError) Unwrap() error { return e.Err }
