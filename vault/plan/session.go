package plan

import (
	"fmt"
	"time"

	"aws-vault/vault/profile"
)

// SessionToken is the Spec of a GetSessionToken step. It is empty because all parameters are fields
// of the step: the device, the region and the duration.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html
type SessionToken struct{}

func (SessionToken) encode(*encoder) {}

// Args returns nothing, because all parameters are fields of the step.
func (SessionToken) Args() []Arg { return nil }

// session decides whether the plan needs a step that creates a session token with a long-lived key.
//
// With a session token, one MFA code is enough for all roles of the chain. If the chain has no role, the session
// token is used in place of the key. The session of a role that is assumed with a session token lasts at most
// MaxChained. If the chain has only one role and its duration is longer, there is no session token. The call that
// assumes the role then presents the code.
func (b *builder) session() (Step, bool, error) {
	if b.chain.root.Yields != (Yield{User, No}) {
		return Step{}, false, nil
	}
	if b.options.NoSession {
		if v := b.chain.target.Value("mfa_serial"); v.Text != "" && len(b.chain.roles) == 0 && !b.needsFederation() && b.options.Purpose == Use {
			b.notes = append(b.notes, fmt.Sprintf("with --no-session, mfa_serial (%s) has no effect: the credentials are the long-lived key, and no MFA code is used", v.Origin))
		}
		return Step{}, false, nil
	}
	if len(b.chain.roles) == 0 && (b.options.Purpose == Console || b.needsFederation()) {
		// The console does not accept a session token, and AWS does not accept a session policy for a session
		// token.
		return Step{}, false, nil
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
	s.Duration = orDefault(holder.Duration("chained_session_token_ttl"), defaultChained)
	s.Settings = append(s.Settings, settings(holder, "chained_session_token_ttl")...)
	return s, true, checkDuration(s.Duration, minDuration, maxSession)
}

// plainSession returns the step for a session token that is used in place of the stored key.
func (b *builder) plainSession() (Step, bool, error) {
	s := b.sessionStep(b.chain.target, b.chain.target, true)
	s.Why = "the profile assumes no role, so a session token is used in place of the key"
	s.Duration = orDefault(b.chain.target.Duration("session_token_ttl"), defaultSession)
	s.Settings = append(s.Settings, settings(b.chain.target, "session_token_ttl")...)
	if len(b.chain.profiles) > 1 && s.MFA.Serial != "" && s.MFA.Serial == b.chain.profiles[0].Text("mfa_serial") {
		s.Why += ", and all profiles with the same key and MFA device share it"
		s.Duration = orDefault(b.chain.target.Duration("chained_session_token_ttl"), defaultChained)
		s.Settings = append(s.Settings, settings(b.chain.target, "chained_session_token_ttl")...)
	}
	if b.options.Duration > 0 {
		s.Duration = b.options.Duration
	}
	return s, true, checkDuration(s.Duration, minDuration, maxSession)
}

// sessionStep returns the step that creates a session token with the access key of the chain's first profile. The
// region and the endpoint come from the profile in the argument q. The MFA device comes from the profile in the
// argument device. If that profile sets no MFA device, the step needs no code.
func (b *builder) sessionStep(q, device *profile.Profile, last bool) Step {
	s := Step{
		Kind: KindSessionToken, Profile: b.chain.profiles[0].Name, Yields: Yield{User, Yes}, Cacheable: true, Spec: SessionToken{},
		MFA: mfaOf(device), Region: b.chain.region(q, last, device.Text("mfa_serial"), b.chain.firstRole()), Endpoint: endpoint(q),
		Settings: settings(device, "mfa_serial", "mfa_process", "mfa_device"),
	}
	for _, r := range b.chain.roles {
		if age := r.Duration("mfa_max_age"); age > 0 && (s.MaxAge == 0 || age < s.MaxAge) {
			s.MaxAge = age
			s.Settings = append(s.Settings, settings(r, "mfa_max_age")...)
		}
	}
	return s
}

// sharedDevice decides whether the roles of the chain share a session token. If they do, it returns the profile
// that sets the MFA device for the session token, and the reason. Otherwise, it returns nil.
func (b *builder) sharedDevice(holder *profile.Profile) (device *profile.Profile, why string, err error) {
	var mfaRoles []*profile.Profile // the profiles in the chain that set an MFA device for their role
	for _, r := range b.chain.roles {
		if !r.Set("mfa_serial") {
			continue
		}
		if len(mfaRoles) > 0 && mfaRoles[0].Text("mfa_serial") != r.Text("mfa_serial") {
			return nil, "", nil // one session token cannot use two MFA devices; the method assume returns the error
		}
		mfaRoles = append(mfaRoles, r)
	}
	if len(mfaRoles) == 0 {
		return nil, "", nil
	}
	same := mfaRoles[0].Text("mfa_serial") == holder.Text("mfa_serial")
	if len(b.chain.roles) == 1 {
		if !same || b.chain.roles[0] == holder {
			return nil, "", nil
		}
		if d, _, err := b.duration(b.chain.roles[0], true); err != nil || d > MaxChained || b.wantsLongConsole() {
			return nil, "", err
		}
		return holder, "all roles that use this key can then share one MFA code", nil
	}
	if same {
		return holder, "all roles of the chain can then share one MFA code", nil
	}
	if mfaRoles[0] == b.chain.roles[0] && len(mfaRoles) == 1 {
		return nil, "", nil // only the first role needs the code, and its own call can present it
	}
	return mfaRoles[0], "all roles of the chain can then share one MFA code", nil
}

// mfaOf returns the MFA device of q and how its code is read. If q sets neither mfa_process nor mfa_device, mfaOf uses
// the settings of the source_profile, and so on along the chain. It stops at a profile with a different MFA device.
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

// formatDuration formats a duration briefly, such as 1h instead of 1h0m0s.
func formatDuration(d time.Duration) string {
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
