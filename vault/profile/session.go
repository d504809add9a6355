package profile

// A sharedSession describes a kind of section that several profiles can share, such as sso-session.
type sharedSession struct {
	setting      string // the setting that names the section
	kind         sectionKind
	sectionFirst []string // settings for which the section has priority over the profile that names it
	profileFirst []string // settings for which the profile has priority over the section that it names
}

var sharedSessions = []sharedSession{
	{ssoSession, sessionSection, []string{ssoStartURL, ssoRegion, ssoScopes}, nil},
	{oidcSession, oidcSection, []string{oidcIssuer, oidcClient, oidcScopes, oidcAudience}, []string{oidcFlow, oidcPort, oidcPorts, nameClaim}},
	{signedIdentity, identitySection, []string{identityIssuer, identitySubject, identityAudience}, nil},
}

// session adds the settings of a shared section to the profile. The profile keeps a value whose rank is lower than the
// rank of the setting that names the section. If the ranks are equal, the section has priority for the settings in
// sectionFirst, and the profile has priority for the settings in profileFirst.
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
		if v, ok := b.value(settingNamed(name)); ok {
			p.values[name] = v
		} else if given && ranks[name] > level {
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
