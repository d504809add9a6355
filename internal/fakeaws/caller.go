package fakeaws

import (
	"strings"
	"time"
)

// caller is the principal that signed a call.
type caller struct {
	arn, id, account string
	user             *User    // the user whose long-term key signed the call; nil for temporary credentials
	session          *session // the session whose temporary credentials signed the call; nil for a long-term key
}

// owner returns the user if the caller uses a long-term key or a session of GetSessionToken. Otherwise it returns nil.
func (c *caller) owner() *User {
	if c.session != nil && c.session.kind == userSession {
		return c.session.user
	}
	return c.user
}

// short returns the caller's name as [Call.String] prints it, such as user/alice, session/alice, role/hub or
// federated/bob.
func (c *caller) short() string {
	switch {
	case c == nil:
		return "-"
	case c.session == nil:
		return "user/" + c.user.name
	case c.session.kind == userSession:
		return "session/" + c.session.user.name
	case c.session.kind == roleSession:
		return "role/" + c.session.role.name
	default:
		return "federated/" + c.session.name
	}
}

// sessionKind identifies the operation that created temporary credentials.
type sessionKind int

const (
	userSession      sessionKind = iota // created by GetSessionToken
	roleSession                         // created by AssumeRole or another call that assumes a role
	federatedSession                    // created by GetFederationToken
)

// session is a set of temporary credentials, together with what AWS knows about them.
type session struct {
	Key
	token          string
	kind           sessionKind
	user           *User // nil for a roleSession
	role           *role // set only for a roleSession
	name           string
	chained        bool // whether a role session called AssumeRole for this session
	expires        time.Time
	mfaAt          time.Time // when the session's MFA code was accepted; zero if the session was created without MFA
	tags           map[string]string
	transitive     map[string]bool
	sourceIdentity string
	limit          *limit
}

// issue creates credentials for the session. They are valid from the time now, for the given duration.
func (a *AWS) issue(s session, now time.Time, lasts time.Duration) *session {
	id := a.id("ASIA")
	s.Key, s.token = Key{ID: id, Secret: secret(id)}, token(id)
	s.expires = now.UTC().Truncate(time.Second).Add(lasts)
	a.sessions[id] = &s
	return &s
}

// ExpireSessions makes all existing temporary credentials expire.
func (a *AWS) ExpireSessions() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, s := range a.sessions {
		s.expires = time.Time{}
	}
}

// caller returns the principal that uses the session's credentials.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
func (s *session) caller() *caller {
	switch s.kind {
	case userSession:
		return &caller{arn: s.user.arn, id: s.user.id, account: s.user.account, session: s}
	case roleSession:
		r := s.role
		return &caller{
			arn: strings.Join([]string{"arn", partitionOf(r.arn), "sts", "", r.account, "assumed-role/" + r.name + "/" + s.name}, ":"),
			id:  r.id + ":" + s.name, account: r.account, session: s,
		}
	default:
		account := s.user.account
		return &caller{
			arn: "arn:" + partitionOf(s.user.arn) + ":sts::" + account + ":federated-user/" + s.name,
			id:  account + ":" + s.name, account: account, session: s,
		}
	}
}

// keyOf returns the secret of an access key, and the principal that owns the key.
func (a *AWS) keyOf(id, sessionToken string, now time.Time) (string, *caller, error) {
	unknown := refuse(403, "InvalidClientTokenId", "The security token included in the request is invalid.")
	if k := a.keys[id]; k != nil {
		if !k.active || sessionToken != "" {
			return "", nil, unknown
		}
		if k.unready > 0 {
			k.unready--
			return "", nil, unknown
		}
		return k.Secret, &caller{arn: k.user.arn, id: k.user.id, account: k.user.account, user: k.user}, nil
	}
	s := a.sessions[id]
	if s == nil || s.token != sessionToken {
		return "", nil, unknown
	}
	if !now.Before(s.expires) {
		return "", nil, refuse(403, "ExpiredToken", "The security token included in the request is expired")
	}
	return s.Secret, s.caller(), nil
}
