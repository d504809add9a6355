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
// requested profile, because the --region flag applies only to that profile. The parameter arns contains the ARNs
// in the call.
//
// A region that q inherits from [default] is not used if it belongs to another partition than the ARNs of the call
// or of the chain, because credentials of one partition are not valid in another one. The region then comes from
// the next source profile that sets one in the right partition, or is the default region of the partition.
func (c *chain) region(q *profile.Profile, last bool, arns ...string) string {
	if last {
		q = c.target
	}
	arns = append(arns, c.arns()...)
	v, in := q.Value("region"), partition.OfARN(arns...)
	if v.Text != "" && (!v.Inherited() || partition.Contains(in, v.Text)) {
		return v.Text
	}
	for p := q; p != nil && v.Text != ""; p = p.Source {
		if own := p.Value("region"); own.Text != "" && !own.Inherited() && partition.Contains(in, own.Text) {
			return own.Text
		}
	}
	return partition.Home(arns...)
}

// portalARN is the end of the ARN that stands for a portal of Identity Center, which has no ARN of its own.
const portalARN = ":sso:::"

// arns returns the ARNs from which the partition of the chain is known, from the requested profile to the source.
func (c *chain) arns() []string {
	var all []string
	for q := c.target; q != nil; q = q.Source {
		for _, name := range []string{"role_arn", "mfa_serial", "trust_anchor_arn", loginSetting} {
			if q.Set(name) {
				all = append(all, q.Text(name))
			}
		}
		if at := q.Text("sso_region"); partition.Known(at) {
			all = append(all, "arn:"+partition.Of(at)+portalARN) // a portal provides roles of its own partition only
		}
	}
	return all
}

// commandRegion returns the region that the command receives, or "" if the requested profile has none.
func (c *chain) commandRegion() string {
	if !c.target.Set("region") {
		return ""
	}
	return c.region(c.target, true)
}

// checkRegions returns a [*RegionError] if a step or a call of pl goes to AWS in another partition than the ARNs of the
// step or of the chain.
func (c *chain) checkRegions(pl Plan) error {
	for _, s := range pl.Steps {
		arns := c.arns()
		if role, ok := s.Spec.(AssumeRole); ok {
			arns = append([]string{role.ARN}, arns...)
		}
		switch s.Kind {
		case KindSessionToken, KindAssumeRole, KindFederationToken, KindWebIdentity, KindOIDC, KindIdentity:
			if err := c.checkRegion(s.Region, s.Endpoint, arns); err != nil {
				return err
			}
		}
	}
	for _, call := range pl.Calls {
		if err := c.checkRegion(call.Region, call.Endpoint, c.arns()); err != nil {
			return err
		}
	}
	return nil
}

// checkRegion checks the region of one call. It returns an error only if a profile of the chain sets the region
// and does not inherit it from [default]. In all other cases, the ARNs of the chain belong to different
// partitions, and AWS reports the error.
func (c *chain) checkRegion(region string, at Endpoint, arns []string) error {
	in := partition.OfARN(arns...)
	if at.URL != "" || partition.Contains(in, region) {
		return nil
	}
	for q := c.target; q != nil; q = q.Source {
		if v := q.Value("region"); v.Text == region && !v.Inherited() {
			first := slices.IndexFunc(arns, func(arn string) bool { return partition.OfARN(arn) == in })
			return &RegionError{Profile: q.Name, Region: region, Origin: v.Origin, Partition: in, ARN: arns[first]}
		}
	}
	return nil
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

// account returns the account of the caller whose credentials the first step returns, or "" if the settings do not
// tell. A user's MFA device belongs to the same account as the user. A role has no MFA device, so an mfa_serial
// that is set for all profiles says nothing about a role.
func (c *chain) account() string {
	if l, ok := c.root.Spec.(Login); ok {
		return partition.AccountOf(l.Session)
	}
	if c.root.Yields.Principal == Role {
		return ""
	}
	for _, q := range c.profiles {
		if a := partition.AccountOf(q.Text("mfa_serial")); a != "" {
			return a
		}
	}
	return ""
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
