package plan

import (
	"slices"
	"time"

	"aws-vault/vault/profile"
)

// Make plans how to create the credentials of p. It fails with a [*NoProfileError],
// [*NoCredentialsError], [*ChainedMFAError], [*DurationError], [*ConflictError],
// [*MissingSettingError], [*SettingError], [*SessionNameError], [*MultipleSourcesError],
// [*PolicyIgnoredError], [*NotStoredError], [*LongLivedError], [*RoleARNError],
// [*AgentDeniedError], [*AgentPoliciesError], [*SharedRoleError], [*PolicyUnsupportedError] or
// [*PolicyConflictError].
func Make(p *profile.Profile, h Holdings, o Options) (Plan, error) {
	pl, err := plan(p, h, o)
	markTouch(p, pl.Steps)
	return pl, err
}

func plan(p *profile.Profile, h Holdings, o Options) (Plan, error) {
	b, err := newBuilder(p, h, o)
	if err != nil {
		return Plan{}, err
	}
	pl := Plan{Profile: p.Name, Region: p.Text("region"), URL: p.Text("endpoint_url"), Steps: []Step{b.chain.root}}
	if p.Set("min_ttl") {
		least := p.Duration("min_ttl")
		pl.MinTTL = &least
	}
	if o.Purpose == Rotate {
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
	for _, arn := range o.ExtraRoles {
		s, err := b.extraRole(arn, pl.Last())
		if err != nil {
			return Plan{}, err
		}
		pl.Steps = append(pl.Steps, s)
	}
	if b.needsFederation() && pl.Last().Yields == (Yield{User, No}) {
		if pl, err = b.federate(pl); err != nil {
			return Plan{}, err
		}
	}
	if last := pl.Last(); o.Purpose == Serve && last.Yields.Temporary == No {
		return Plan{}, &LongLivedError{Profile: p.Name, Kind: last.Kind}
	}
	if o.Purpose == Console {
		return b.consoleSignIn(pl)
	}
	pl.Notes = b.notes
	return b.sessionLimit.restrict(pl, &b.chain)
}

// markTouch sets Touch on the steps of profiles that set require_touch. It also sets Touch on all later steps,
// because their credentials come from those steps.
func markTouch(p *profile.Profile, steps []Step) {
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

// A builder plans the steps for a chain.
type builder struct {
	chain        chain
	holdings     Holdings
	options      Options
	sessionLimit limit
	notes        []string
}

// newBuilder follows source_profile from p to the first profile that has a source of credentials.
func newBuilder(p *profile.Profile, h Holdings, o Options) (*builder, error) {
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
			return nil, c.noCredentials(q)
		}
	}
	slices.Reverse(c.profiles)
	for i, q := range c.profiles {
		if q.Set("role_arn") && !(i == 0 && c.root.includesRole()) {
			c.roles = append(c.roles, q)
		}
	}
	return b, b.decideLimit()
}

func (b *builder) decideLimit() error {
	bound, note, err := decideLimit(&b.chain, b.holdings, b.options)
	b.sessionLimit = bound
	if note != "" {
		b.notes = append(b.notes, note)
	}
	return err
}

// rootOf returns the first step of the plan if q itself has a source of credentials. A stored key has priority
// over all settings of q. Without a stored key, source_profile has priority over all other settings: rootOf then
// returns false.
func (b *builder) rootOf(q *profile.Profile) (Step, bool, error) {
	if s, ok, err := storedKey(b, q); ok || err != nil {
		return s, ok, err
	}
	if q.Source != nil {
		return Step{}, false, checkSourceProfile(q)
	}
	for _, root := range roots {
		if s, ok, err := root(b, q); ok || err != nil {
			return s, ok, err
		}
	}
	return Step{}, false, nil
}

// roots are the sources of credentials in order of priority.
var roots = []func(*builder, *profile.Profile) (Step, bool, error){
	rolesAnywhere, // fails if the same profile also has a setting in otherSources
	credentialSource,
	ssoRole,
	webIdentity,
	oidcRole,
	identityRole,
	staticKey,
	login,
	process,
}

// duration returns the duration to request for the role of q. For the last role, the duration that the user requests
// has priority over the settings of q. duration fails with a [*DurationError] if the duration is shorter than 15 min or
// longer than 12 h. It does not apply the limit [MaxChained].
func (b *builder) duration(q *profile.Profile, last bool) (time.Duration, profile.Value, error) {
	if last && b.requestedDuration() > 0 {
		return b.requestedDuration(), profile.Value{}, checkDuration(b.requestedDuration(), minDuration, maxRole)
	}
	v := q.Value("duration_seconds")
	if d := q.Duration("duration_seconds"); d > 0 {
		return d, v, checkDuration(d, minDuration, maxRole)
	}
	return defaultRole, profile.Value{}, nil
}

// requestedDuration returns the duration that the user requested for the credentials, or 0. For the
// console, the requested duration applies to the console session and not to the credentials.
func (b *builder) requestedDuration() time.Duration {
	if b.options.Purpose == Console {
		return 0
	}
	return b.options.Duration
}
