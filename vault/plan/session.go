package plan

import (
	"fmt"
	"time"

	"aws-vault/vault/profile"
)

// SessionToken is the Spec of a GetSessionToken step. All that it asks for stands on
// the step: the device, the region, the duration.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html
type SessionToken struct{}

func (SessionToken) encode(*encoder) {}

// Args says nothing: there is nothing to say beyond the step itself.
func (SessionToken) Args() []Arg { return nil }

// session decides whether a session token comes between a long-lived key and what
// stands on it.
//
// A session token carries one MFA code to every role behind it, and stands in for
// the key where no role does. But AWS lets a role assumed with one live for at most
// MaxChained, so a single longer role takes its code itself.
func (b *builder) session() (Step, bool, error) {
	if b.options.NoSession || b.chain.root.Yields != (Yield{User, No}) {
		return Step{}, false, nil
	}
	if len(b.chain.roles) == 0 && (b.options.For == Console || b.federates()) {
		return Step{}, false, nil // a session token signs in to no console, and carries no policy
	}
	if len(b.chain.roles) == 0 {
		return b.plainSession()
	}
	holder := b.chain.profiles[0]
	device, why, err := b.sharedDevice(holder)
	if err != nil || device == nil {
		return Step{}, false, err
	}
	s := b.sessionStep(holder, device, false)
	s.Why = why
	s.Lasts = orDefault(holder.Duration("chained_session_token_ttl"), defaultChained)
	s.From = append(s.From, settings(holder, "chained_session_token_ttl")...)
	return s, true, checkDuration(s.Lasts, minDuration, maxSession)
}

// plainSession is the session that stands in for a stored key itself.
func (b *builder) plainSession() (Step, bool, error) {
	s := b.sessionStep(b.chain.target, b.chain.target, true)
	s.Why = "the profile assumes no role, so a session stands in for the stored key"
	s.Lasts = orDefault(b.chain.target.Duration("session_token_ttl"), defaultSession)
	s.From = append(s.From, settings(b.chain.target, "session_token_ttl")...)
	if len(b.chain.profiles) > 1 && s.MFA.Serial != "" && s.MFA.Serial == b.chain.profiles[0].Text("mfa_serial") {
		s.Why += ", and serves every profile that shares its key and device"
		s.Lasts = orDefault(b.chain.target.Duration("chained_session_token_ttl"), defaultChained)
		s.From = append(s.From, settings(b.chain.target, "chained_session_token_ttl")...)
	}
	if b.options.Duration > 0 {
		s.Lasts = b.options.Duration
	}
	return s, true, checkDuration(s.Lasts, minDuration, maxSession)
}

// sessionStep is a session token for the key at the root, with the device of one
// profile (which may set none).
func (b *builder) sessionStep(q, device *profile.Profile, last bool) Step {
	s := Step{
		Kind: KindSessionToken, Profile: b.chain.profiles[0].Name, Yields: Yield{User, Yes}, Keep: true, Spec: SessionToken{},
		MFA: mfaOf(device), Region: b.chain.region(q, last, device.Text("mfa_serial"), b.chain.firstRole()), Endpoint: endpoint(q),
		From: settings(device, "mfa_serial", "mfa_process", "mfa_device"),
	}
	for _, r := range b.chain.roles {
		if age := r.Duration("mfa_max_age"); age > 0 && (s.MaxAge == 0 || age < s.MaxAge) {
			s.MaxAge = age
			s.From = append(s.From, settings(r, "mfa_max_age")...)
		}
	}
	return s
}

// sharedDevice finds the profile whose device one session token should be made with
// for the roles of the chain. It is nil where each role had better do without.
func (b *builder) sharedDevice(holder *profile.Profile) (device *profile.Profile, why string, err error) {
	var wanting []*profile.Profile // the roles that name a device
	for _, r := range b.chain.roles {
		if !r.Set("mfa_serial") {
			continue
		}
		if len(wanting) > 0 && wanting[0].Text("mfa_serial") != r.Text("mfa_serial") {
			return nil, "", nil // no one session serves both; assume says what cannot work
		}
		wanting = append(wanting, r)
	}
	if len(wanting) == 0 {
		return nil, "", nil
	}
	same := wanting[0].Text("mfa_serial") == holder.Text("mfa_serial")
	if len(b.chain.roles) == 1 {
		if !same || b.chain.roles[0] == holder {
			return nil, "", nil
		}
		if d, _, err := b.duration(b.chain.roles[0], true); err != nil || d > MaxChained || b.consoleAsks() {
			return nil, "", err
		}
		return holder, "one MFA code then serves every role that starts from this key", nil
	}
	if same {
		return holder, "one MFA code then serves the whole chain of roles", nil
	}
	if wanting[0] == b.chain.roles[0] && len(wanting) == 1 {
		return nil, "", nil // the first role alone asks, and can ask by itself
	}
	return wanting[0], "one MFA code then serves the whole chain of roles", nil
}

// mfaOf says how q's code is had. A process that q does not name is its source's, as
// long as the device is the same.
func mfaOf(q *profile.Profile) MFA {
	m := MFA{Serial: q.Text("mfa_serial")}
	if m.Serial == "" {
		return MFA{}
	}
	for r := q; r != nil; r = r.Source {
		if r.Text("mfa_serial") != m.Serial {
			break
		}
		if v := r.Value("mfa_process"); r.Set("mfa_process") {
			m.Process = v.Text
			break
		}
		if v := r.Value("mfa_device"); r.Set("mfa_device") {
			m.Device = v.Text
			break
		}
	}
	return m
}

const (
	defaultSession = time.Hour
	defaultChained = 8 * time.Hour
	defaultRole    = time.Hour

	// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html
	minDuration = 15 * time.Minute
	maxSession  = 36 * time.Hour
	// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
	maxRole = 12 * time.Hour
)

func checkDuration(d, least, most time.Duration) error {
	if d < least || d > most {
		return &DurationError{Found: d, Least: least, Most: most}
	}
	return nil
}

func orDefault(d, otherwise time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return otherwise
}

// short writes a duration without the zeros that time.Duration prints.
func short(d time.Duration) string {
	switch {
	case d <= 0:
		return "0s"
	case d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d%time.Minute == 0 && d < time.Hour:
		return fmt.Sprintf("%dm", d/time.Minute)
	case d%time.Minute == 0:
		return fmt.Sprintf("%dh%dm", d/time.Hour, d%time.Hour/time.Minute)
	}
	return d.String()
}
