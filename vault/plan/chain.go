package plan

import (
	"slices"
	"strings"

	"aws-vault/vault/partition"
	"aws-vault/vault/profile"
)

// A chain is the path from the requested profile to the source of its credentials.
type chain struct {
	target   *profile.Profile
	profiles []*profile.Profile // in order, from the profile with the source to the requested profile
	roles    []*profile.Profile // the profiles whose roles are assumed after the source, in order
	root     Step
}

// noCredentials returns the error for a chain that ends in q without a source of credentials. Call it
// while c.profiles is still in the order from the requested profile to q.
func (c *chain) noCredentials(q *profile.Profile) error {
	e := &NoCredentialsError{Profile: c.target.Name, End: q.Name, Defined: q.Defined, Unread: q.Unread}
	if n := len(c.profiles); n > 1 {
		e.Origin = c.profiles[n-2].Value("source_profile").Origin
	}
	return e
}

// last reports whether the i-th role is the last role of the chain.
func (c *chain) last(i int) bool { return i == len(c.roles)-1 }

// region returns the region for a call that uses the settings of profile q. The last call uses the region of the
// requested profile, because the --region flag applies only to that profile.
func (c *chain) region(q *profile.Profile, last bool, arns ...string) string {
	if last {
		q = c.target
	}
	if r := q.Text("region"); r != "" {
		return r
	}
	return partition.Home(arns...)
}

// firstRole returns the ARN of the first role of the chain, or "".
func (c *chain) firstRole() string {
	if len(c.roles) == 0 {
		return ""
	}
	return c.roles[0].Text("role_arn")
}

// rolesAbove reports whether the requested profile, or a profile between the requested profile and q, assumes a
// role. If so, the credentials of q are not the final credentials.
func (c *chain) rolesAbove(q *profile.Profile) bool {
	for p := c.target; p != q && p != nil; p = p.Source {
		if p.Set("role_arn") {
			return true
		}
	}
	return false
}

// partition returns the partition in which the final credentials are used.
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
