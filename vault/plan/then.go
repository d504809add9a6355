package plan

import (
	"strings"

	"aws-vault/vault/profile"
)

// then plans a role that a program asks a server for, on top of what the profile gives.
// The steps before it are the profile's own, so that their sessions and codes serve every
// such role. What limits the profile's sessions limits this one: AWS would not carry a
// session policy over to the next role.
func (c *chain) then(arn string, before Step) (Step, error) {
	if !profile.IsRoleARN(arn) {
		return Step{}, &RoleARNError{Found: arn}
	}
	s := Step{
		Kind: KindAssumeRole, Profile: c.target.Name, Yields: Yield{Role, Yes},
		Spec:   AssumeRole{ARN: arn, SessionName: c.thenName(before)},
		Region: c.region(c.target, true, arn), Endpoint: endpoint(c.target),
		Why: "this role was asked for on top of the profile", From: settings(c.target, "session_policy", "session_policy_arns"),
	}
	var err error
	if s.Policy, err = c.policy(c.target); err != nil {
		return Step{}, err
	}
	s.clamp(orDefault(c.ownTime(), defaultRole), before)
	return s, checkDuration(s.Lasts, minDuration, maxRole)
}

// thenName names the session as the profile names its own, where that does not take the
// name of a user whom nobody here can tell.
func (c *chain) thenName(before Step) string {
	name := c.target.Text("role_session_name")
	if name == "" || strings.Contains(name, UserName) && before.Yields.Who != User {
		return c.options.Name
	}
	return name
}
