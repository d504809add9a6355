package plan

import (
	"slices"
	"time"

	"aws-vault/vault/profile"
)

// Make plans the credentials of p. It fails with a [*NoProfileError],
// [*NoCredentialsError], [*ChainedMFAError], [*DurationError], [*ConflictError],
// [*SettingError], [*SessionNameError], [*SourcesError], [*PolicyIgnoredError],
// [*NotStoredError], [*LongLivedError], [*RoleARNError], [*AgentDeniedError],
// [*AgentPoliciesError], [*SharedRoleError], [*UnlimitedError] or [*OwnPolicyError].
func Make(p *profile.Profile, h Holdings, o Options) (Plan, error) {
	pl, err := plan(p, h, o)
	guard(p, pl.Steps)
	return pl, err
}

func plan(p *profile.Profile, h Holdings, o Options) (Plan, error) {
	b, err := begin(p, h, o)
	if err != nil {
		return Plan{}, err
	}
	pl := Plan{Profile: p.Name, Region: p.Text("region"), URL: p.Text("endpoint_url"), Steps: []Step{b.chain.root}}
	if p.Set("min_ttl") {
		least := p.Duration("min_ttl")
		pl.MinTTL = &least
	}
	if o.For == Rotate {
		return b.rotation(pl)
	}
	if s, ok, err := b.session(); err != nil {
		return Plan{}, err
	} else if ok {
		pl.Steps = append(pl.Steps, s)
	}
	for i := range b.chain.roles {
		s, err := b.assume(i, pl.Steps)
		if err != nil {
			return Plan{}, err
		}
		pl.Steps = append(pl.Steps, s)
	}
	for _, arn := range o.Then {
		s, err := b.then(arn, pl.Last())
		if err != nil {
			return Plan{}, err
		}
		pl.Steps = append(pl.Steps, s)
	}
	if b.federates() && pl.Last().Yields == (Yield{User, No}) {
		if pl, err = b.federate(pl); err != nil {
			return Plan{}, err
		}
	}
	if last := pl.Last(); o.For == Serve && last.Yields.Temporary == No {
		return Plan{}, &LongLivedError{Profile: p.Name, Kind: last.Kind}
	}
	if o.For == Console {
		return b.signIn(pl)
	}
	pl.Notes = b.notes
	return b.bound.restrict(pl, &b.chain)
}

// guard marks the steps of profiles that require a touch, and all that is made with what those
// give: who could read a session made with a guarded key would not need the key.
func guard(p *profile.Profile, steps []Step) {
	required := map[string]bool{}
	for q := p; q != nil; q = q.Source {
		required[q.Name] = q.Bool("require_touch")
	}
	touch := false
	for i := range steps {
		touch = touch || required[steps[i].Profile]
		steps[i].Touch = touch
	}
}

// A builder plans the steps on top of a chain.
type builder struct {
	chain    chain
	holdings Holdings
	options  Options
	bound    limit
	notes    []string
}

// begin follows source_profile from p to the first profile that credentials can
// begin from.
func begin(p *profile.Profile, h Holdings, o Options) (*builder, error) {
	b := &builder{chain: chain{target: p}, holdings: h, options: o}
	c := &b.chain
	if _, stored := h.Keys[p.Name]; !p.Defined && !stored {
		return nil, &NoProfileError{Name: p.Name}
	}
	for q := p; ; q = q.Source {
		c.profiles = append(c.profiles, q)
		root, ok, err := b.rootOf(q)
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
	return b, b.decideLimit()
}

func (b *builder) decideLimit() error {
	bound, note, err := decideLimit(&b.chain, b.holdings, b.options)
	b.bound = bound
	if note != "" {
		b.notes = append(b.notes, note)
	}
	return err
}

// rootOf returns the step that begins from q itself, if there is one. A stored key
// comes before everything that a profile says, and source_profile before the rest.
func (b *builder) rootOf(q *profile.Profile) (Step, bool, error) {
	if s, ok, err := storedKey(b, q); ok || err != nil {
		return s, ok, err
	}
	if q.Source != nil {
		return Step{}, false, besideSource(q)
	}
	for _, root := range roots {
		if s, ok, err := root(b, q); ok || err != nil {
			return s, ok, err
		}
	}
	return Step{}, false, nil
}

// roots are the ways in which credentials begin, first come first served.
var roots = []func(*builder, *profile.Profile) (Step, bool, error){
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

// duration is how long a role of q's should live, before any limit of AWS's. For the last role, what
// the user says comes before the settings of q.
func (b *builder) duration(q *profile.Profile, last bool) (time.Duration, profile.Value, error) {
	if last && b.ownTime() > 0 {
		return b.ownTime(), profile.Value{}, checkDuration(b.ownTime(), minDuration, maxRole)
	}
	v := q.Value("duration_seconds")
	if d := q.Duration("duration_seconds"); d > 0 {
		return d, v, checkDuration(d, minDuration, maxRole)
	}
	return defaultRole, profile.Value{}, nil
}

// ownTime is how long the credentials handed out should last, if the user says so. A
// console's time is its own.
func (b *builder) ownTime() time.Duration {
	if b.options.For == Console {
		return 0
	}
	return b.options.Duration
}
