package plan

// For most first steps the plan itself tells whose credentials they give: a key's fingerprint or the subject of a
// sign-in is part of the step. For the others this is found out when the plan is carried out, before a session is
// looked for. Otherwise the session of one caller would answer another.

// ShowsCaller reports whether only the credentials that a step gives show whose they are. What a container's
// endpoint, an EC2 instance or a program answers depends on more than the settings of a profile.
func (s Step) ShowsCaller() bool { return s.Kind == KindContainer || s.Kind == KindMetadata }

// Gave returns the plan with what its first step gave: a [Fingerprint] of the credentials.
func (p Plan) Gave(fingerprint string) Plan {
	p.Steps = append([]Step{}, p.Steps...)
	p.Steps[0].Gave = fingerprint
	return p
}

// From returns the plan with another spec of its first step, in which it is filled in whose credentials that gives.
func (p Plan) From(first Spec) Plan {
	p.Steps = append([]Step{}, p.Steps...)
	p.Steps[0].Spec = first
	return p
}

// Decided reports whether the digest of the i-th step is known before anything is carried out.
func (p Plan) Decided(i int) bool {
	first := p.Steps[0]
	return i == 0 || !first.ShowsCaller() || first.Gave != ""
}
