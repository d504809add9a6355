package plan

// For most first steps the plan itself shows whose credentials they return: the step contains the
// fingerprint of an access key or the subject of a sign-in. For all other steps the caller is found
// when the plan is carried out, before a cached session is looked up. Without this check, a cached
// session of one caller could be used for another.

// CallerFromOutput reports whether only the credentials that a step returns show whose they are.
// The answers of a container's endpoint, an EC2 instance or a program depend on more than the
// settings of a profile.
//
// Credentials of a program are identified by their access key and secret. The account that a
// program may print does not distinguish two users of that account, and a request to AWS costs as
// much as assuming the role. If a program prints new credentials on each run, the role on top of it
// is assumed on each run. If these credentials have an expiry, they are cached, and the role is
// cached too.
func (s Step) CallerFromOutput() bool {
	return s.Kind == KindContainer || s.Kind == KindMetadata || s.Kind == KindProcess
}

// runsProgram reports whether the step runs a program of its profile to get credentials or a token.
func (s Step) runsProgram() bool {
	w, _ := s.Spec.(WebIdentity)
	return s.Kind == KindProcess || w.TokenProcess != ""
}

// WithCaller returns a copy of the plan in which the first step has the [Fingerprint] of the
// credentials that it returned.
func (p Plan) WithCaller(fingerprint string) Plan {
	p.Steps = append([]Step{}, p.Steps...)
	p.Steps[0].CallerFingerprint = fingerprint
	return p
}

// WithFirstSpec returns a copy of the plan with another spec for the first step, which names the
// caller.
func (p Plan) WithFirstSpec(first Spec) Plan {
	p.Steps = append([]Step{}, p.Steps...)
	p.Steps[0].Spec = first
	return p
}

// DigestKnown reports whether the digest of the i-th step is known before the plan is carried out.
func (p Plan) DigestKnown(i int) bool {
	first := p.Steps[0]
	if w, ok := first.Spec.(WebIdentity); ok && w.TokenProcess != "" && w.Subject == "" {
		return false // only the token shows whose it is, so the program has to run first
	}
	return i == 0 || !first.CallerFromOutput() || first.CallerFingerprint != ""
}
