package plan

import (
	"fmt"
	"strings"

	"aws-vault/vault/partition"
	"aws-vault/vault/policy"
	"aws-vault/vault/printable"
)

// TokenClaims are the claims of a web identity token that a trust policy checks.
type TokenClaims struct {
	Issuer, Audience, Subject string
	Pinned                    bool // whether the token lists the only roles that it can be exchanged for
}

// NoRoleError reports a plan without a role whose trust policy the user writes. Such a plan assumes no role, or a role
// that IAM Identity Center creates together with its trust policy.
type NoRoleError struct {
	Profile string
	Kind    Kind // the kind of the last step
}

func (e *NoRoleError) Error() string {
	if e.Kind == KindSSO {
		return fmt.Sprintf("the role of profile %s belongs to Identity Center, which writes its trust policy itself", printable.Quote(e.Profile))
	}
	return fmt.Sprintf("profile %s assumes no role, so it needs no trust policy", printable.Quote(e.Profile))
}

// UnknownCallerError reports that a trust policy needs the principal that assumes the role, but neither the
// principal nor its account is known.
type UnknownCallerError struct {
	Profile string // the profile whose credentials assume the role
	Role    string // ARN of the role
}

func (e *UnknownCallerError) Error() string {
	return fmt.Sprintf("the account of profile %s is not known, but the trust policy of %s must name who assumes the role", printable.Quote(e.Profile), e.Role)
}

// NoTokenError reports that a trust policy needs claims of a token, but their values are not known.
type NoTokenError struct {
	Profile string
	Unknown []string // claims whose values are not known: issuer, audience or subject
}

func (e *NoTokenError) Error() string {
	return fmt.Sprintf("the role of profile %q is assumed with a token whose claims are not known: %s", e.Profile, strings.Join(e.Unknown, ", "))
}

// Trust returns the principals and conditions that the trust policy of the plan's last role needs, and notes for
// the user. If agents is true, the trust policy also allows the session tags of coding agents. The claims in the
// argument t are used only if the role is assumed with a token. The argument principal is the ARN of the principal
// that assumes the role; if it is empty, Trust determines the principal from the plan. Trust fails with a
// [*NoRoleError], a [*NoTokenError] or an [*UnknownCallerError].
func (p Plan) Trust(t TokenClaims, agents bool, principal string) (policy.Trust, []string, error) {
	trust, notes, err := p.trust(t, agents, principal)
	if err == nil && principal != "" {
		trust.Principal, trust.ARNLike, trust.TrustAnchor, notes = principal, "", "", nil
	}
	return trust, notes, err
}

func (p Plan) trust(t TokenClaims, agents bool, principal string) (policy.Trust, []string, error) {
	for i := len(p.Steps) - 1; i >= 0; i-- {
		switch spec := p.Steps[i].Spec.(type) {
		case AssumeRole:
			trust, notes, err := p.trustOf(i, spec, principal)
			trust.Tags = trust.Tags || agents
			return trust, notes, err
		case WebIdentity:
			trust, err := p.trustOfToken(spec.ARN, spec.SessionName, t)
			return trust, nil, err
		case OIDCRole:
			return p.trustOfSignIn(spec, t)
		case RolesAnywhere:
			return trustOfCertificate(spec), []string{anywhereNote}, nil
		case IdentityRole:
			claims := t.withDefaults(TokenClaims{Issuer: spec.Issuer, Audience: spec.Audience, Subject: spec.Subject})
			claims.Pinned = true // the token is only for this role
			if spec.SessionName == spec.Subject {
				spec.SessionName = claims.Subject
			}
			trust, err := p.trustOfToken(spec.ARN, spec.SessionName, claims)
			trust.Tags, trust.SourceIdentity = len(spec.Tags) > 0 || agents, spec.SourceIdentity != ""
			return trust, nil, err
		}
	}
	return policy.Trust{}, nil, &NoRoleError{p.Profile, p.Last().Kind}
}

// withDefaults returns a copy of t in which empty claims are replaced with the claims in the argument other.
func (t TokenClaims) withDefaults(other TokenClaims) TokenClaims {
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

// trustOfSignIn returns the trust for a role that is assumed after an OIDC sign-in. If the session name comes from the
// claim sub, the trust requires the subject as the session name. If the session name comes from another claim and the
// claim's value is not known, the trust requires no session name. trustOfSignIn then returns a note for the user.
func (p Plan) trustOfSignIn(spec OIDCRole, t TokenClaims) (policy.Trust, []string, error) {
	claims := t.withDefaults(TokenClaims{Issuer: spec.Issuer, Audience: spec.Client, Subject: spec.Subject})
	var notes []string
	switch {
	case spec.NameClaim == subjectClaim:
		spec.SessionName = claims.Subject
	case spec.NameClaim != "" && (spec.SessionName == "" || claims.Subject != spec.Subject):
		spec.SessionName = ""
		notes = []string{fmt.Sprintf("this policy does not check the session name: the name comes from the claim %s of the ID token, so it is known only after a sign-in. Sign in as the user who will assume the role, and run this again, or add the name to the policy", spec.NameClaim)}
	}
	trust, err := p.trustOfToken(spec.ARN, spec.SessionName, claims)
	return trust, notes, err
}

// trustOfToken returns the trust for a role that is assumed with a token. session is the session name.
func (p Plan) trustOfToken(role, session string, t TokenClaims) (policy.Trust, error) {
	_, issuer, ok := strings.Cut(t.Issuer, "://")
	if !ok {
		issuer = t.Issuer
	}
	none := &NoTokenError{Profile: p.Profile}
	for _, part := range []struct{ name, value string }{{"issuer", issuer}, {"audience", t.Audience}, {"subject", t.Subject}} {
		if part.value == "" {
			none.Unknown = append(none.Unknown, part.name)
		}
	}
	if len(none.Unknown) > 0 {
		return policy.Trust{}, none
	}
	return policy.Trust{
		Principal: iamARN(role, partition.AccountOf(role), "oidc-provider/"+issuer),
		Audience:  t.Audience, Subject: t.Subject, SessionName: session, RolePin: t.Pinned,
	}, nil
}

// anywhereNote tells the user what the trust policy for Roles Anywhere does not check. The subject of the certificate
// is in a file or on a card, which planning does not read.
const anywhereNote = "this policy trusts every certificate of the trust anchor: add a condition on aws:PrincipalTag/x509Subject/CN for a specific one"

// trustOfCertificate returns the trust for a role that Roles Anywhere assumes.
func trustOfCertificate(spec RolesAnywhere) policy.Trust {
	return policy.Trust{Principal: "rolesanywhere.amazonaws.com", TrustAnchor: spec.TrustAnchor}
}

// trustOf returns the trust for the role of the i-th step, which is assumed with the credentials of the step before
// it. If principal is empty, it determines who assumes the role.
func (p Plan) trustOf(i int, role AssumeRole, principal string) (policy.Trust, []string, error) {
	t := policy.Trust{ExternalID: role.ExternalID, Tags: len(role.Tags) > 0, SourceIdentity: role.SourceIdentity != ""}
	for _, s := range p.Steps[:i] {
		if s.Kind == KindWebIdentity || s.Kind == KindOIDC { // the token can set tags and a source identity
			t.Tags, t.SourceIdentity = true, true
		}
		if spec, ok := roleParameters(s); ok {
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
		t.MFAMaxAge = max(before.MaxAge, p.Steps[i].MaxAge) // only the step that sends the code has a maximum age
	}
	if principal != "" {
		return t, nil, nil
	}
	var note string
	var err error
	if t.Principal, t.ARNLike, note, err = p.callerOf(i, role.ARN); note == "" {
		return t, nil, err
	}
	return t, []string{note}, nil
}

// callerOf returns the ARN of the principal that assumes the role of the i-th step. If the exact principal is not
// known, callerOf returns the ARN of an account. It also returns a pattern for the principal's ARN, or a note for
// the user. If the account is not known either, it returns an [*UnknownCallerError].
func (p Plan) callerOf(i int, role string) (principal, like, note string, err error) {
	switch spec := p.Steps[i-1].Spec.(type) {
	case AssumeRole:
		return spec.ARN, "", "", nil
	case WebIdentity:
		return spec.ARN, "", "", nil
	case OIDCRole:
		return spec.ARN, "", "", nil
	case IdentityRole:
		return spec.ARN, "", "", nil
	case RolesAnywhere:
		return spec.Role, "", "", nil
	case SSORole:
		// The name of the role ends in a suffix that is not known here, so the result contains a pattern.
		// https://docs.aws.amazon.com/singlesignon/latest/userguide/referencingpermissionsets.html
		return iamARN(role, spec.Account, "root"), iamARN(role, spec.Account, "role/aws-reserved/sso.amazonaws.com/*AWSReservedSSO_"+spec.Role+"_*"), "", nil
	case Login:
		if partition.AccountOf(spec.Session) != "" && strings.Contains(spec.Session, ":user/") {
			return spec.Session, "", "", nil
		}
	}
	if p.Account == "" {
		return "", "", "", &UnknownCallerError{Profile: p.Steps[i-1].Profile, Role: role}
	}
	return iamARN(role, p.Account, "root"), "", fmt.Sprintf("the principal that assumes the role is not known here, so this policy trusts every principal to which account %s grants sts:AssumeRole: pass --principal for a specific one", p.Account), nil
}

// iamARN returns the ARN of an IAM resource. It has the same partition as the ARN in the argument like.
func iamARN(like, account, resource string) string {
	at := "aws"
	if parts := strings.SplitN(like, ":", 3); len(parts) == 3 {
		at = parts[1]
	}
	return "arn:" + at + ":iam::" + account + ":" + resource
}
