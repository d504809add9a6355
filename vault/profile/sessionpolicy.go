package profile

// A SessionPolicy is a [session-policy NAME] section, which limits the permissions of sessions.
type SessionPolicy struct {
	Text Value // the policy as JSON, or file:// and the path of a file with the policy
	ARNs Value // ARNs of managed policies, separated by commas
}

// List returns the ARNs of the managed policies.
func (p SessionPolicy) List() []string { return splitList(p.ARNs.Text) }

// SessionPolicy returns the session-policy section with that name, and whether the section exists. It
// fails with a *SyntaxError or a *ValueError.
func (f *File) SessionPolicy(name string) (p SessionPolicy, ok bool, err error) {
	b, err := f.body(policySection, name)
	if err != nil || b == nil {
		return SessionPolicy{}, false, err
	}
	read := func(key string) Value {
		k, ok := b.keys[key]
		if !ok {
			return Value{}
		}
		return Value{Text: k.value, Origin: f.origin(k.section, k.line, key)}
	}
	p = SessionPolicy{Text: read("policy"), ARNs: read("policy_arns")}
	p.Text.secret = true
	p.ARNs.Text, _ = cutComments(p.ARNs.Text)
	if v := p.ARNs; v.Text != "" && !policyARNs.ok(v.Text) {
		return SessionPolicy{}, false, &ValueError{v.Origin, v.Origin.Name, shorten(v.Text), policyARNs.String()}
	}
	if p.Text.Text == "" && p.ARNs.Text == "" {
		first := f.named(policySection, name)[0]
		origin := f.origin(first, first.line, "")
		return SessionPolicy{}, false, &ValueError{origin, "session-policy", shorten(name), "a section with policy or policy_arns"}
	}
	return p, true, nil
}
