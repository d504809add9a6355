package fakeaws

import (
	"slices"
	"strings"
	"time"
)

// assumedRole is the response to AssumeRole and to the other calls that assume a role.
type assumedRole struct {
	Credentials      credentials
	AssumedRoleUser  struct{ AssumedRoleId, Arn string }
	PackedPolicySize int
	SourceIdentity   string `xml:",omitempty"`

	SubjectFromWebIdentityToken string `xml:",omitempty"`
	Audience                    string `xml:",omitempty"`
	Provider                    string `xml:",omitempty"`
}

// assumption is a request for a role session.
type assumption struct {
	arn, session   string
	lasts          time.Duration
	externalID     string
	sourceIdentity string
	tags           tagSet
	limit          *limit
	withCode       bool
}

// assumeRole implements AssumeRole.
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
	if err := target.checkTrust(r.caller, ask, r.now); err != nil {
		return nil, err
	}
	if err := target.checkDuration(ask.lasts, r.caller.session != nil); err != nil {
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

// readAssumption reads the parameters of AssumeRole.
func (a *AWS) readAssumption(r *request) (assumption, error) {
	c := checks{params: r.params}
	ask := assumption{
		arn:            c.required("RoleArn", 20, 2048, nil),
		session:        c.required("RoleSessionName", 2, 64, nameAlphabet),
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

// assumed creates the session's credentials and returns the response.
func (a *AWS) assumed(s session, ask assumption, r *request) assumedRole {
	made := a.issue(s, r.now, ask.lasts)
	who := made.caller()
	r.call.SourceIdentity, r.call.SessionTags = made.sourceIdentity, made.tags
	out := assumedRole{Credentials: made.credentials(), SourceIdentity: made.sourceIdentity, PackedPolicySize: packedSize(r.params)}
	out.AssumedRoleUser.AssumedRoleId, out.AssumedRoleUser.Arn = who.id, who.arn
	return out
}

// checkTrust returns an error if the role's trust policy does not allow the caller to assume the role.
func (t *role) checkTrust(c *caller, ask assumption, now time.Time) error {
	no := unauthorized(c.arn, "sts:AssumeRole", t.arn)
	switch {
	case !slices.ContainsFunc(t.Trusts, c.matches):
		return no
	case t.ExternalID != "" && ask.externalID != t.ExternalID:
		return no
	case t.RequireMFA && !t.codeIsRecent(c, ask.withCode, now):
		return no
	}
	return nil
}

// matches reports whether entry, a principal in a trust policy, includes the caller.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
func (c *caller) matches(entry string) bool {
	if entry == "*" || entry == c.arn || entry == c.account {
		return true
	}
	if fields, ok := arnFields(entry); ok && fields[4] == c.account && fields[5] == "root" {
		return true
	}
	return c.session != nil && c.session.role != nil && c.session.role.arn == entry
}

// codeIsRecent reports whether the role accepts the caller's MFA code. The role accepts a code in the call itself.
// It also accepts the code with which the caller's GetSessionToken session was created, if that code is not older
// than MFAMaxAge. The code of a role session does not count, because AWS does not pass MFA on to the next role.
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

// checkDuration refuses a session that is longer than the role allows. If chained is true, the caller's
// credentials are temporary, and checkDuration also refuses a session that is longer than one hour. AWS
// documents this limit only for callers that are roles. The fake also applies the limit to sessions of
// GetSessionToken.
func (t *role) checkDuration(lasts time.Duration, chained bool) error {
	if chained && lasts > time.Hour {
		return invalid("The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining")
	}
	if lasts > t.MaxSession {
		return invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	return nil
}
