package profile

// A sharedSession is a section that profiles name to share a sign-in.
type sharedSession struct {
	setting string // names it
	kind    sectionKind
	whole   []string // settings that are the section's: what stands beside its name counts less
	own     []string // settings that a profile may have for itself: what stands beside the name counts more
}

var sharedSessions = []sharedSession{
	{ssoSession, sessionSection, []string{ssoStartURL, ssoRegion, ssoScopes}, nil},
	{oidcSession, oidcSection, []string{oidcIssuer, oidcClient, oidcScopes, oidcAudience}, []string{oidcFlow, oidcPort, oidcPorts, nameClaim}},
	{signedIdentity, identitySection, []string{identityIssuer, identitySubject, identityAudience}, nil},
}

// session puts in what the section says, which counts as if it stood where the section is
// named.
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
	p.warnings = append(p.warnings, b.doubts()...)
	level := ranks[shared.setting]
	for _, name := range shared.whole {
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
	for _, name := range shared.own {
		if _, given := p.values[name]; given && ranks[name] <= max(level, fromOutside) {
			continue
		}
		if v, ok := b.value(settingNamed(name)); ok {
			p.values[name] = v
		}
	}
	return nil
}
