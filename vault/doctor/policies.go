package doctor

import (
	"fmt"
	"strings"

	"aws-vault/vault/policy"
	"aws-vault/vault/profile"
)

// policies are the session-policy sections that cannot be used. What a file holds is not
// looked at.
func policies(f *profile.File) []Finding {
	var all []Finding
	for _, name := range f.SessionPolicies() {
		p, _, err := f.SessionPolicy(name)
		if err == nil && !strings.HasPrefix(p.Text.Text, "file://") {
			_, err = policy.Parse(p.Text.Text, p.List())
		}
		if err != nil {
			where, what := place(err)
			if where == "" {
				where = p.Text.Origin.String()
			}
			all = append(all, Finding{Severity: Error, Where: where, What: fmt.Sprintf("session policy %s cannot be used: %s", name, what), Err: err})
		}
	}
	return all
}

// access says where a profile gives coding agents a policy that is nowhere: they get nothing.
func (c Config) access(p *profile.Profile) (Finding, bool) {
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
		Severity: Error, Where: v.Origin.String(), What: fmt.Sprintf("agent_access is %q, and there is no session policy of that name, so coding agents are refused", v.Text),
		Remedy: "add a section [session-policy " + v.Text + "], or name read-only, off, deny or an ARN",
	}, true
}
