package plan

import (
	"slices"
	"time"

	"aws-vault/vault/partition"
	"aws-vault/vault/profile"
)

// A chain is a profile's way back to where its credentials begin.
type chain struct {
	target   *profile.Profile
	profiles []*profile.Profile // from the one that holds the root to the target
	roles    []*profile.Profile // those of them that assume a role on top, innermost first
	root     Step
	holdings Holdings
	options  Options
	bound    limit
	notes    []string
}

// begin follows source_profile from p to the first profile that credentials can
// begin from.
func begin(p *profile.Profile, h Holdings, o Options) (*chain, error) {
	c := &chain{target: p, holdings: h, options: o}
	if _, stored := h.Keys[p.Name]; !p.Defined && !stored {
		return nil, &NoProfileError{Name: p.Name}
	}
	for q := p; ; q = q.Source {
		c.profiles = append(c.profiles, q)
		root, ok, err := c.rootOf(q)
		if err != nil {
			return nil, err
		}
		if ok {
			c.root = root
			break
		}
		if q.Source == nil {
			return nil, c.nothing(q)
		}
	}
	slices.Reverse(c.profiles)
	for i, q := range c.profiles {
		if q.Set("role_arn") && !(i == 0 && c.root.ownsRole()) {
			c.roles = append(c.roles, q)
		}
	}
	return c, c.decideLimit()
}

// rootOf returns the step that begins from q itself, if there is one. A stored key
// comes before everything that a profile says, and source_profile before the rest.
func (c *chain) rootOf(q *profile.Profile) (Step, bool, error) {
	if s, ok, err := storedKey(c, q); ok || err != nil {
		return s, ok, err
	}
	if q.Source != nil {
		return Step{}, false, besideSource(q)
	}
	for _, root := range roots {
		if s, ok, err := root(c, q); ok || err != nil {
			return s, ok, err
		}
	}
	return Step{}, false, nil
}

// roots are the ways in which credentials begin, first come first served.
var roots = []func(*chain, *profile.Profile) (Step, bool, error){
	rolesAnywhere, // refuses all of the others beside it
	credentialSource,
	ssoRole,
	webIdentity,
	oidcRole,
	identityRole,
	staticKey,
	login,
	process,
}

// nothing says why no credentials begin at q, the end of the chain.
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

// roleDuration is how long the i-th role should live, before any limit of AWS's.
func (c *chain) roleDuration(i int) (time.Duration, profile.Value, error) {
	if c.last(i) && c.ownTime() > 0 {
		return c.ownTime(), profile.Value{}, checkDuration(c.ownTime(), minDuration, maxRole)
	}
	return ownDuration(c.roles[i])
}

// ownTime is how long the credentials handed out should last, if the user says so. A
// console's time is its own.
func (c *chain) ownTime() time.Duration {
	if c.options.For == Console {
		return 0
	}
	return c.options.Duration
}

// ownDuration is how long a role of q's should live by q's own settings.
func ownDuration(q *profile.Profile) (time.Duration, profile.Value, error) {
	v := q.Value("duration_seconds")
	if d := q.Duration("duration_seconds"); d > 0 {
		return d, v, checkDuration(d, minDuration, maxRole)
	}
	return defaultRole, profile.Value{}, nil
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
