package vault

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"aws-vault/vault/plan"
	"aws-vault/vault/profile"
)

// profilePolicies reads the session policy files that the profiles name with file:// URLs. The result maps each
// URL, as written in the config file, to the policy's text.
func (v *Vault) profilePolicies(chain []*profile.Profile) (map[string]string, error) {
	texts := map[string]string{}
	for _, q := range chain {
		path, ok := strings.CutPrefix(q.Text("session_policy"), "file://")
		if !ok {
			continue
		}
		text, err := v.readFile(path, maxFileSize)
		if err != nil {
			return nil, &plan.SettingError{Origin: q.Value("session_policy").Origin, Err: err}
		}
		texts[q.Text("session_policy")] = string(text)
	}
	return texts, nil
}

// limits are session policies that restrict credentials further than their profile does.
type limits struct {
	agents profile.AgentRules          // set only if a coding agent uses the plan
	named  map[string]plan.NamedPolicy // the [session-policy] sections, by name
	texts  map[string]string           // texts of policy files, by file:// URL
}

// limits reads the session policies that a plan for p may refer to. It skips a policy that does not exist:
// planning reports that error.
func (v *Vault) limits(p *profile.Profile, o plan.Options) (limits, error) {
	l := limits{named: map[string]plan.NamedPolicy{}, texts: map[string]string{}}
	names := slices.Clone(o.Limits)
	if o.Agent.Name != "" {
		l.agents = profile.ReadAgentRules(v.Config, v.Inputs.Credentials)
		names = append(names, agentPolicies(p, l.agents, o)...)
	}
	for _, name := range names {
		if path, ok := strings.CutPrefix(name, "file://"); ok {
			text, err := v.readFile(path, maxFileSize)
			if err != nil {
				return limits{}, fmt.Errorf("session policy %s: %w", name, err)
			}
			l.texts[name] = string(text)
			continue
		}
		named, ok, err := v.Config.SessionPolicy(name)
		if err != nil {
			return limits{}, err
		}
		if !ok {
			continue
		}
		origin := cmp.Or(named.Text.Origin, named.ARNs.Origin)
		l.named[name] = plan.NamedPolicy{Text: named.Text.Text, ARNs: named.List(), Origin: origin.String()}
		if path, ok := strings.CutPrefix(named.Text.Text, "file://"); ok {
			text, err := v.readFile(path, maxFileSize)
			if err != nil {
				return limits{}, &plan.SettingError{Origin: named.Text.Origin, Err: err}
			}
			l.texts[named.Text.Text] = string(text)
		}
	}
	return l, nil
}

// agentPolicies returns the names of the policies that may limit a coding agent's use of p.
func agentPolicies(p *profile.Profile, rules profile.AgentRules, o plan.Options) []string {
	var values []profile.Value
	of := func(principal profile.Principal) {
		for _, r := range rules.Of(principal) {
			values = append(values, r.Access)
		}
	}
	for q := p; q != nil; q = q.Source {
		values = append(values, q.Value("agent_access"))
		of(profile.RolePrincipal(q.Text("role_arn")))
		of(profile.SSOPrincipal(q.Text("sso_account_id"), q.Text("sso_role_name")))
		of(profile.SignInPrincipal(q.Text("login_session")))
	}
	for _, arn := range o.ExtraRoles {
		of(profile.RolePrincipal(arn))
	}
	var names []string
	for _, v := range append(values, rules.Default) {
		if v.Text != "" && !slices.Contains(names, v.Text) {
			names = append(names, v.Text)
		}
	}
	return names
}
