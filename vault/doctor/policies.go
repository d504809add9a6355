package doctor

import (
	"fmt"
	"strings"

	"aws-vault/vault/policy"
	"aws-vault/vault/profile"
)

// policyFindings returns a finding for each session-policy section that is not valid. It does not check policies in
// other files (file:// URLs).
func policyFindings(f *profile.File) []Finding {
	var all []Finding
	for _, name := range f.SessionPolicies() {
		p, _, err := f.SessionPolicy(name)
		if err == nil && !strings.HasPrefix(p.Text.Text, "file://") {
			_, err = policy.Parse(p.Text.Text, p.List())
		}
		if err != nil {
			where, what := splitOrigin(err)
			if where == "" {
				where = p.Text.Origin.String()
			}
			all = append(all, Finding{Severity: Error, Where: where, What: fmt.Sprintf("session policy %s cannot be used: %s", name, what), Err: err})
		}
	}
	return all
}

// checkAgentAccess returns a finding if agent_access names a session policy that does not exist. Coding agents then
// cannot use the profile.
func (c Config) checkAgentAccess(p *profile.Profile) (Finding, bool) {
	v := p.Value("agent_access")
	switch {
	case v.Text == "", v.Text == "read-only", v.Text == "off", v.Text == "deny", strings.HasPrefix(v.Text, "arn:"), strings.HasPrefix(v.Text, "file://"):
		return Finding{}, false
	}
	for _, name := range c.File.SessionPolicies() {
		if name == v.Text {
			return Finding{}, false
		}
	}
	return Finding{
		Severity: Error, Where: v.Origin.String(), What: fmt.Sprintf("agent_access is %q, but no session policy has that name, so coding agents are refused", v.Text),
		Remedy: "add a section [session-policy " + v.Text + "], or use read-only, off, deny or an ARN",
	}, true
}
