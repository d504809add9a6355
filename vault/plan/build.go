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
// [*AgentDeniedError], [*AgentPoliciesError], [*SharedRoleError], [*PolicyUnsupportedError],
// [*PolicyConflictError] or [*RegionError].
func Make(p *profile.Profile, h Holdings, o Options) (Plan, error) {
	pl, err := plan(p, h, o)
	if err == nil {
		err = (&chain{target: p}).checkRegions(pl)
	}
	if err != nil {
		return Plan{}, err
	}
	markTouch(p, pl.Steps)
	return pl, nil
}

func plan(p *profile.Profile, h Holdings, o Options) (Plan, error) {
	b, err := newBuilder(p, h, o)
	if err != nil {
		return Plan{}, err
	}
	pl := Plan{Profile: p.Name, Audit: p.Text("audit"), Steps: []Step{b.chain.root}}.withCommandSettings(p)
	pl.Region = b.chain.commandRegion()
	pl.Account = b.chain.account()
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
	if err := b.checkLongLived(pl.Last()); err != nil {
		return Plan{}, err
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
		return nil, &NoProfileError{Name: p.Name, Unread: p.Unread}
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
		if q.Set("role_arn") && !(i == 0 && (c.root.includesRole() || b.usesOwnKey(q))) {
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
// over all settings of q. Without a stored key, source_profile has priority over all other settings, and rootOf
// returns false. The only exception is a profile for which [UsesOwnKey] returns true: its own key has priority
// over source_profile.
func (b *builder) rootOf(q *profile.Profile) (Step, bool, error) {
	if s, ok, err := storedKey(b, q); ok || err != nil {
		return s, ok, err
	}
	if q.Source != nil && !b.usesOwnKey(q) {
		return Step{}, false, checkSourceProfile(q)
	}
	if err := checkAnywhere(q); err != nil {
		return Step{}, false, err
	}
	for _, s := range sources {
		if s, ok, err := s.step(b, q); ok || err != nil {
			return s, ok, err
		}
	}
	return Step{}, false, checkSignInOnly(q)
}

func (b *builder) usesOwnKey(q *profile.Profile) bool {
	_, stored := b.holdings.Keys[q.Name]
	return UsesOwnKey(b.chain.target, q, stored)
}

// A source is a kind of first step that the settings of a profile select.
type source struct {
	settings []string // the settings that select the source: any one of them is enough
	step     func(*builder, *profile.Profile) (Step, bool, error)
}

// sources are the sources of credentials in order of priority.
var sources = []source{
	{anywhereSources, rolesAnywhere},
	{[]string{"credential_source"}, credentialSource},
	{ssoSettings, ssoRole},
	{[]string{"web_identity_token_file", "web_identity_token_process"}, webIdentity},
	{[]string{"oidc_issuer", "oidc_session"}, oidcRole},
	{[]string{"identity"}, identityRole},
	{[]string{keyID, keySecret}, staticKey},
	{[]string{loginSetting}, login},
	{[]string{"credential_process"}, process},
}

// SourceBesidesLogin returns a setting of p that selects another source than login_session, or "" if there is none.
func SourceBesidesLogin(p *profile.Profile) string {
	if p.Set("source_profile") {
		return "source_profile"
	}
	return otherSource(p, loginSetting)
}

// otherSource returns a setting of q that selects a source of credentials. The parameter but is the name of a
// setting, and the source that this setting selects is ignored. otherSource returns "" if q has no other source.
func otherSource(q *profile.Profile, but string) string {
	for _, s := range sources {
		if slices.Contains(s.settings, but) {
			continue
		}
		for _, name := range s.settings {
			if q.Set(name) {
				return name
			}
		}
	}
	return ""
}

// duration returns the duration to request for the role of q. For the last role, the duration that the user requests
// has priority over the settings of q. duration fails with a [*DurationError] if the requested duration is shorter
// than 15 min or longer than 12 h; package profile has already checked the settings. It does not apply the limit
// [MaxChained].
func (b *builder) duration(q *profile.Profile, last bool) (time.Duration, profile.Value, error) {
	if last && b.requestedDuration() > 0 {
		return b.requestedDuration(), profile.Value{}, checkDuration(b.requestedDuration(), minDuration, maxRole)
	}
	v := q.Value("duration_seconds")
	if d := q.Duration("duration_seconds"); d > 0 {
		return d, v, nil
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
