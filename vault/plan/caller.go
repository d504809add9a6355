package plan

// The caller is the principal whose credentials the first step returns. For most kinds of first steps,
// the plan shows the caller: the step contains the fingerprint of an access key or the subject of a
// sign-in. For other kinds, the caller is determined when the plan is carried out, before a cached
// session is looked up. Otherwise, a cached session of one caller could be used for another caller.

// CallerFromOutput reports whether the caller can be determined only from the credentials that the step returns.
// This is the case for a container's endpoint, an EC2 instance and a program, because the profile's settings do
// not determine which credentials they return.
//
// A program's credentials are identified by their access key and secret. The account ID that a program
// may print is not enough, because an account can have several users. Asking AWS for the caller would
// take as long as assuming the role. If a program prints new credentials on each run, the next role is
// assumed on each run. If the program's credentials have an expiry, both these credentials and the
// session of the next role are cached.
func (s Step) CallerFromOutput() bool {
	return s.Kind == KindContainer || s.Kind == KindMetadata || s.Kind == KindProcess
}

// runsProgram reports whether the step runs a program of its profile to get credentials or a token.
func (s Step) runsProgram() bool {
	w, _ := s.Spec.(WebIdentity)
	return s.Kind == KindProcess || w.TokenProcess != ""
}

// WithCaller returns a copy of the plan that identifies the caller. fingerprint is the [Fingerprint]
// of the credentials that the first step returned.
func (p Plan) WithCaller(fingerprint string) Plan {
	p.Steps = append([]Step{}, p.Steps...)
	p.Steps[0].CallerFingerprint = fingerprint
	return p
}

// WithFirstSpec returns a copy of the plan with a new spec for the first step. Use WithFirstSpec to add the caller
// to the plan.
func (p Plan) WithFirstSpec(first Spec) Plan {
	p.Steps = append([]Step{}, p.Steps...)
	p.Steps[0].Spec = first
	return p
}

// DigestKnown reports whether the digest of the i-th step is known before the plan is carried out.
func (p Plan) DigestKnown(i int) bool {
	first := p.Steps[0]
	if w, ok := first.Spec.(WebIdentity); ok && w.TokenProcess != "" && w.Subject == "" {
		return false // the caller is known only from the token, so the program that prints it has to run first
	}
	return i == 0 || !first.CallerFromOutput() || first.CallerFingerprint != ""
}
