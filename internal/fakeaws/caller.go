package fakeaws

import (
	"strings"
	"time"
)

// caller is whoever signed a call.
type caller struct {
	arn, id, account string
	user             *User    // the user of a long-term key
	session          *session // set for temporary credentials
}

// owner is the user behind a long-term key or a session of GetSessionToken, nil for others.
func (c *caller) owner() *User {
	if c.session != nil && c.session.kind == userSession {
		return c.session.user
	}
	return c.user
}

// short is how a call's line names its caller: user/alice, session/alice, role/hub, federated/bob.
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

// sessionKind tells temporary credentials apart by what made them.
type sessionKind int

const (
	userSession      sessionKind = iota // GetSessionToken
	roleSession                         // AssumeRole and its kin
	federatedSession                    // GetFederationToken
)

// session is one set of temporary credentials and all that AWS remembers of it.
type session struct {
	Key
	token          string
	kind           sessionKind
	user           *User // for userSession and federatedSession
	role           *role // for roleSession
	name           string
	chained        bool // made with another role's session
	expires        time.Time
	mfaAt          time.Time // when a code was taken; zero for never
	tags           map[string]string
	transitive     map[string]bool
	sourceIdentity string
	limit          *limit
}

// issue makes the session's key and token and starts its life.
func (a *AWS) issue(s session, now time.Time, lasts time.Duration) *session {
	id := a.id("ASIA")
	s.Key, s.token = Key{ID: id, Secret: secret(id)}, token(id)
	s.expires = now.UTC().Truncate(time.Second).Add(lasts)
	a.sessions[id] = &s
	return &s
}

// ExpireSessions ends all temporary credentials that were made so far.
func (a *AWS) ExpireSessions() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, s := range a.sessions {
		s.expires = time.Time{}
	}
}

// caller is who the session's credentials speak for.
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

// keyOf finds the secret of an access key that a call named, and whom it stands for.
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
