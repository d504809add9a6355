package plan

import (
	"slices"
	"strings"

	"aws-vault/vault/partition"
	"aws-vault/vault/profile"
)

// A chain is a profile's way back to where its credentials begin.
type chain struct {
	target   *profile.Profile
	profiles []*profile.Profile // from the one that holds the root to the target
	roles    []*profile.Profile // those of them that assume a role on top, innermost first
	root     Step
}

// nothing says why no credentials begin at q, the end of the chain. The profiles are not reversed yet.
func (c *chain) nothing(q *profile.Profile) error {
	e := &NoCredentialsError{Profile: c.target.Name, End: q.Name, Defined: q.Defined}
	if n := len(c.profiles); n > 1 {
		e.Origin = c.profiles[n-2].Value("source_profile").Origin
	}
	return e
}

// last reports whether the i-th role makes the credentials that are handed out.
func (c *chain) last(i int) bool { return i == len(c.roles)-1 }

// region returns where a step of q calls, and whether it is the last step, for
// which the target's region counts: a flag says where the command works.
func (c *chain) region(q *profile.Profile, last bool, arns ...string) string {
	if last {
		q = c.target
	}
	if r := q.Text("region"); r != "" {
		return r
	}
	return partition.Home(arns...)
}

// firstRole is the ARN of the innermost role; empty for none.
func (c *chain) firstRole() string {
	if len(c.roles) == 0 {
		return ""
	}
	return c.roles[0].Text("role_arn")
}

// rolesAbove reports whether a profile between the target and q assumes a role, so
// that q's credentials are not the ones handed out.
func (c *chain) rolesAbove(q *profile.Profile) bool {
	for p := c.target; p != q && p != nil; p = p.Source {
		if p.Set("role_arn") {
			return true
		}
	}
	return false
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

func settings(q *profile.Profile, names ...string) []Setting {
	var out []Setting
	for _, name := range names {
		if v := q.Value(name); q.Set(name) {
			out = append(out, Setting{Name: name, Text: v.Text, Origin: v.Origin.String()})
		}
	}
	return out
}
