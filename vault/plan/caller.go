package plan

// For most first steps the plan itself tells whose credentials they give: a key's fingerprint or the subject of a
// sign-in is part of the step. For the others this is found out when the plan is carried out, before a session is
// looked for. Otherwise the session of one caller would answer another.

// ShowsCaller reports whether only the credentials that a step gives show whose they are. What a container's
// endpoint, an EC2 instance or a program answers depends on more than the settings of a profile.
//
// A program's credentials are told apart as a whole, by access key and secret. The account that it may print does
// not tell two users of that account apart, and to ask AWS would cost what assuming the role costs. If a program
// prints other credentials each time, a role on top is assumed each time, unless they have an expiry: then they are
// kept, and the role is too.
func (s Step) ShowsCaller() bool {
	return s.Kind == KindContainer || s.Kind == KindMetadata || s.Kind == KindProcess
}

// runsProgram reports whether the step runs a program of its profile's for credentials or a token.
func (s Step) runsProgram() bool {
	w, _ := s.Spec.(WebIdentity)
	return s.Kind == KindProcess || w.TokenProcess != ""
}

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
	if w, ok := first.Spec.(WebIdentity); ok && w.TokenProcess != "" && w.Subject == "" {
		return false // the token says whose it is, and the program has to run for it
	}
	return i == 0 || !first.ShowsCaller() || first.Gave != ""
}
