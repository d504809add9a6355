package fakeaws

import (
	"slices"
	"strings"
	"time"
)

// assumedRole is the answer of AssumeRole and its kin.
type assumedRole struct {
	Credentials      credentials
	AssumedRoleUser  struct{ AssumedRoleId, Arn string }
	PackedPolicySize int
	SourceIdentity   string `xml:",omitempty"`

	SubjectFromWebIdentityToken string `xml:",omitempty"`
	Audience                    string `xml:",omitempty"`
	Provider                    string `xml:",omitempty"`
}

// assumption is a role session as it was asked for.
type assumption struct {
	arn, session   string
	lasts          time.Duration
	externalID     string
	sourceIdentity string
	tags           tagSet
	limit          *limit
	withCode       bool
}

// assumeRole is AssumeRole.
func (a *AWS) assumeRole(r *request) (any, error) {
	ask, err := a.readAssumption(r)
	if err != nil {
		return nil, err
	}
	if ask.withCode, err = a.checkMFA(r); err != nil {
		return nil, err
	}
	target := a.roles[ask.arn]
	if target == nil {
		return nil, unauthorized(r.caller.arn, "sts:AssumeRole", ask.arn)
	}
	if err := target.trusts(r.caller, ask, r.now); err != nil {
		return nil, err
	}
	if err := target.lastsAtMost(ask.lasts, r.caller.session != nil); err != nil {
		return nil, err
	}
	made := session{kind: roleSession, role: target, name: ask.session, limit: ask.limit}
	if err := made.inherit(r.caller, target, ask); err != nil {
		return nil, err
	}
	if ask.withCode {
		made.mfaAt = r.now
	}
	return a.assumed(made, ask, r), nil
}

// readAssumption reads AssumeRole's parameters.
func (a *AWS) readAssumption(r *request) (assumption, error) {
	c := checks{params: r.params}
	ask := assumption{
		arn:            c.text("RoleArn", 20, 2048, nil),
		session:        c.text("RoleSessionName", 2, 64, nameAlphabet),
		lasts:          c.duration(leastSession, mostRole, usualRole),
		externalID:     c.optional("ExternalId", 2, 1224, externalAlphabet),
		sourceIdentity: c.optional("SourceIdentity", 2, 256, nameAlphabet),
	}
	c.mfa()
	var err error
	if ask.limit, err = a.readLimit(&c, accountOf(ask.arn)); err != nil {
		return ask, err
	}
	if ask.tags, err = readTags(&c); err != nil {
		return ask, err
	}
	if err := c.err(); err != nil {
		return ask, err
	}
	if fields, ok := arnFields(ask.arn); !ok || fields[2] != "iam" || !strings.HasPrefix(fields[5], "role/") {
		return ask, invalid("%s is invalid", ask.arn)
	}
	return ask, nil
}

// assumed gives the session its keys and forms the answer.
func (a *AWS) assumed(s session, ask assumption, r *request) assumedRole {
	made := a.issue(s, r.now, ask.lasts)
	who := made.caller()
	r.call.SourceIdentity, r.call.SessionTags = made.sourceIdentity, made.tags
	out := assumedRole{Credentials: made.credentials(), SourceIdentity: made.sourceIdentity, PackedPolicySize: packedSize(r.params)}
	out.AssumedRoleUser.AssumedRoleId, out.AssumedRoleUser.Arn = who.id, who.arn
	return out
}

// trusts says whether the role's trust policy lets c in.
func (t *role) trusts(c *caller, ask assumption, now time.Time) error {
	no := unauthorized(c.arn, "sts:AssumeRole", t.arn)
	switch {
	case !slices.ContainsFunc(t.Trusts, c.is):
		return no
	case t.ExternalID != "" && ask.externalID != t.ExternalID:
		return no
	case t.RequireMFA && !t.codeIsRecent(c, ask.withCode, now):
		return no
	}
	return nil
}

// is says whether one entry of a trust policy means the caller.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
func (c *caller) is(entry string) bool {
	if entry == "*" || entry == c.arn || entry == c.account {
		return true
	}
	if fields, ok := arnFields(entry); ok && fields[4] == c.account && fields[5] == "root" {
		return true
	}
	return c.session != nil && c.session.role != nil && c.session.role.arn == entry
}

// codeIsRecent looks at the code of this call, or at the one that the caller's user session was made with. What a role
// session was made with does not count: MFA is not carried through a chain.
func (t *role) codeIsRecent(c *caller, withCode bool, now time.Time) bool {
	if withCode {
		return true
	}
	s := c.session
	if s == nil || s.kind != userSession || s.mfaAt.IsZero() {
		return false
	}
	return t.MFAMaxAge == 0 || now.Sub(s.mfaAt) <= t.MFAMaxAge
}

// lastsAtMost refuses a session that is too long for the role, or for a caller with temporary credentials.
// [K]: that AWS holds sessions of GetSessionToken to the hour as well is taken from this project's invariants.
func (t *role) lastsAtMost(lasts time.Duration, chained bool) error {
	if chained && lasts > time.Hour {
		return invalid("The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining")
	}
	if lasts > t.MaxSession {
		return invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	return nil
}
