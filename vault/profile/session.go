package profile

import "fmt"

// A sharedSession describes a kind of section that several profiles can share, such as sso-session.
type sharedSession struct {
	setting      string // the setting that names the section
	kind         sectionKind
	sectionFirst []string // settings for which the section has priority; the profile must not set other values
	profileFirst []string // settings for which the profile has priority over the section that it names
}

var sharedSessions = []sharedSession{
	{ssoSession, sessionSection, []string{ssoStartURL, ssoRegion, ssoScopes}, nil},
	{oidcSession, oidcSection, []string{oidcIssuer, oidcClient, oidcScopes, oidcAudience}, []string{oidcFlow, oidcPort, oidcPorts, nameClaim}},
	{signedIdentity, identitySection, []string{identityIssuer, identitySubject, identityAudience}, nil},
}

// session adds the settings of a shared section to the profile. The profile keeps a value whose rank is lower than the
// rank of the setting that names the section. If both are set in the same profile, the section has priority for the
// settings in sectionFirst, and the profile has priority for the settings in profileFirst. It fails with a *ValueError
// if both the profile and the section set one of sectionFirst, with different values. The AWS CLI refuses this too,
// because the profile could then sign in to another portal than intended.
func (r *resolver) session(p *Profile, ranks map[string]int, shared sharedSession) error {
	named := p.values[shared.setting]
	if named.Text == "" {
		return nil
	}
	b, err := r.config.body(shared.kind, named.Text)
	if err != nil {
		return err
	}
	if b == nil {
		return missing(r.config, named, shared.setting, shared.kind)
	}
	p.warnings = append(p.warnings, b.problems()...)
	level := ranks[shared.setting]
	for _, name := range shared.sectionFirst {
		_, given := p.values[name]
		if given && ranks[name] < level {
			continue
		}
		v, ok := b.value(settingNamed(name))
		switch own := p.values[name]; {
		case ok && given && sameLevel(ranks[name], level) && own.Text != v.Text:
			return &ValueError{own.Origin, name, shorten(own.Text), fmt.Sprintf("%q as in %s, because the profile sets %s", shorten(v.Text), v.Origin, shared.setting)}
		case ok:
			p.values[name] = v
		case given && ranks[name] > level:
			delete(p.values, name)
		}
	}
	for _, name := range shared.profileFirst {
		if _, given := p.values[name]; given && ranks[name] <= max(level, envRank) {
			continue
		}
		if v, ok := b.value(settingNamed(name)); ok {
			p.values[name] = v
		}
	}
	return nil
}

// sameLevel reports whether two ranks belong to the same profile in a config file or a credentials file.
func sameLevel(a, b int) bool { return a >= 0 && b >= 0 && a/2 == b/2 }
