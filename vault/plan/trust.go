package plan

import (
	"fmt"
	"strings"

	"aws-vault/vault/policy"
)

// A Token is what a web identity token says of whom it was made for.
type Token struct{ Issuer, Audience, Subject string }

// NoRoleError is returned for a profile that assumes no role.
type NoRoleError struct{ Profile string }

func (e *NoRoleError) Error() string {
	return fmt.Sprintf("profile %q assumes no role, so there is no trust policy that it needs", e.Profile)
}

// NoTokenError is returned where a trust policy needs to know what a token says, and nobody
// has said it.
type NoTokenError struct {
	Profile string
	Unknown []string // of issuer, audience and subject
}

func (e *NoTokenError) Error() string {
	return fmt.Sprintf("the role of profile %q is assumed with a token, and what that says is not known: %s", e.Profile, strings.Join(e.Unknown, ", "))
}

// Trust returns what the trust policy of the plan's last role has to let in, and what its
// reader should know. agents says that sessions of coding agents are tagged. The token is
// looked at where that role is assumed with one. It fails with a [*NoRoleError] or a
// [*NoTokenError].
func (p Plan) Trust(t Token, agents bool) (policy.Trust, []string, error) {
	for i := len(p.Steps) - 1; i >= 0; i-- {
		switch spec := p.Steps[i].Spec.(type) {
		case AssumeRole:
			trust, notes := p.trustOf(i, spec)
			trust.Tags = trust.Tags || agents
			return trust, notes, nil
		case WebIdentity:
			trust, err := p.trustOfToken(spec.ARN, spec.SessionName, t)
			return trust, nil, err
		case OIDCRole:
			return p.trustOfSignIn(spec, t)
		case IdentityRole:
			said := t.or(Token{spec.Issuer, spec.Audience, spec.Subject})
			if spec.SessionName == spec.Subject {
				spec.SessionName = said.Subject
			}
			trust, err := p.trustOfToken(spec.ARN, spec.SessionName, said)
			trust.Tags, trust.SourceIdentity = len(spec.Tags) > 0 || agents, spec.SourceIdentity != ""
			return trust, nil, err
		}
	}
	return policy.Trust{}, nil, &NoRoleError{p.Profile}
}

// or fills in what is not known of a token.
func (t Token) or(other Token) Token {
	if t.Issuer == "" {
		t.Issuer = other.Issuer
	}
	if t.Audience == "" {
		t.Audience = other.Audience
	}
	if t.Subject == "" {
		t.Subject = other.Subject
	}
	return t
}

// trustOfSignIn is for a role whose session a claim may name. What the claim is of somebody
// who is not signed in cannot be told, but for the subject.
func (p Plan) trustOfSignIn(spec OIDCRole, t Token) (policy.Trust, []string, error) {
	said := t.or(Token{spec.Issuer, spec.Client, spec.Subject})
	var notes []string
	switch {
	case spec.NameClaim == subjectClaim:
		spec.SessionName = said.Subject
	case spec.NameClaim != "" && (spec.SessionName == "" || said.Subject != spec.Subject):
		spec.SessionName = ""
		notes = []string{fmt.Sprintf("the session is named by the claim %s, which is not known here, so this pins no name: sign in as its person first, or add the name", spec.NameClaim)}
	}
	trust, err := p.trustOfToken(spec.ARN, spec.SessionName, said)
	return trust, notes, err
}

// trustOfToken is for a role that is assumed with a token.
func (p Plan) trustOfToken(role, session string, t Token) (policy.Trust, error) {
	_, issuer, ok := strings.Cut(t.Issuer, "://")
	if !ok {
		issuer = t.Issuer
	}
	none := &NoTokenError{Profile: p.Profile}
	for _, part := range []struct{ name, said string }{{"issuer", issuer}, {"audience", t.Audience}, {"subject", t.Subject}} {
		if part.said == "" {
			none.Unknown = append(none.Unknown, part.name)
		}
	}
	if len(none.Unknown) > 0 {
		return policy.Trust{}, none
	}
	return policy.Trust{
		Principal: iamARN(role, accountOf(role), "oidc-provider/"+issuer),
		Audience:  t.Audience, Subject: t.Subject, SessionName: session,
	}, nil
}

// trustOf is for a role that the i-th step assumes with the credentials of the step before.
func (p Plan) trustOf(i int, role AssumeRole) (policy.Trust, []string) {
	t := policy.Trust{ExternalID: role.ExternalID, Tags: len(role.Tags) > 0, SourceIdentity: role.SourceIdentity != ""}
	for _, s := range p.Steps[:i] {
		if s.Kind == KindWebIdentity || s.Kind == KindOIDC { // whose token may carry both
			t.Tags, t.SourceIdentity = true, true
		}
		if spec, ok := passedOn(s); ok {
			t.Tags = t.Tags || len(spec.TransitiveTags) > 0
			t.SourceIdentity = t.SourceIdentity || spec.SourceIdentity != ""
		}
	}
	if role.SessionName == UserName {
		t.SessionName = UserName
	}
	before := p.Steps[i-1]
	t.MFA = p.Steps[i].MFA.Serial != "" || before.Kind == KindSessionToken && before.MFA.Serial != ""
	if t.MFA {
		t.MFAMaxAge = before.MaxAge
	}
	var note string
	t.Principal, t.ARNLike, note = p.callerOf(i, role.ARN)
	if note == "" {
		return t, nil
	}
	return t, []string{note}
}

// callerOf says who assumes the role of the i-th step, as narrowly as the plan knows it.
func (p Plan) callerOf(i int, role string) (principal, like, note string) {
	switch spec := p.Steps[i-1].Spec.(type) {
	case AssumeRole:
		return spec.ARN, "", ""
	case WebIdentity:
		return spec.ARN, "", ""
	case OIDCRole:
		return spec.ARN, "", ""
	case IdentityRole:
		return spec.ARN, "", ""
	case RolesAnywhere:
		return spec.Role, "", ""
	case SSORole:
		// https://docs.aws.amazon.com/singlesignon/latest/userguide/referencingpermissionsets.html
		return iamARN(role, spec.Account, "root"), iamARN(role, spec.Account, "role/aws-reserved/sso.amazonaws.com/*AWSReservedSSO_"+spec.Role+"_*"), ""
	case Login:
		if accountOf(spec.Session) != "" && strings.Contains(spec.Session, ":user/") {
			return spec.Session, "", ""
		}
	}
	account := accountOf(role)
	for _, s := range p.Steps[:i+1] {
		if a := accountOf(s.MFA.Serial); a != "" {
			account = a
		}
	}
	return iamARN(role, account, "root"), "", fmt.Sprintf("whose credentials the profile begins with is not known here, so this lets in whoever account %s lets assume the role: narrow it with --principal", account)
}

// iamARN is an ARN in the partition of another.
func iamARN(like, account, resource string) string {
	partition := "aws"
	if parts := strings.SplitN(like, ":", 3); len(parts) == 3 {
		partition = parts[1]
	}
	return "arn:" + partition + ":iam::" + account + ":" + resource
}

// accountOf returns the account in an ARN, or nothing.
func accountOf(arn string) string {
	if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 {
		return parts[4]
	}
	return ""
}
