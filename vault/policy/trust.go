package policy

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Trust describes the call that a role's trust policy must allow.
type Trust struct {
	Principal   string // the ARN of a user, a role, an account's root user or an OIDC provider
	ARNLike     string // a pattern that the caller's ARN must match too; empty for any ARN
	SessionName string // the only allowed session name; empty for any name

	ExternalID string
	MFA        bool
	MFAMaxAge  time.Duration // maximum age of the MFA code; 0 for any age

	Audience string // audience of the token; empty for a call without a token
	Subject  string // subject of the token, or a pattern for subjects; empty for a call without a token
	RolePin  bool   // whether the token lists the only roles that it can be exchanged for

	// the trust anchor of Roles Anywhere that a certificate must belong to; empty for other principals
	TrustAnchor string

	Tags, SourceIdentity bool // whether the session has tags or a source identity; an earlier role may have set them
}

// A Statement of a trust policy allows a principal to perform actions.
type Statement struct {
	Principal  Principal
	Actions    []string
	Conditions []Condition
}

// A Principal is the user, role, provider or service that a statement applies to. Kind is the kind in IAM: AWS,
// Federated or Service. If Kind is Service, the field ARN contains the host name of the service.
type Principal struct{ Kind, ARN string }

// A Condition is one condition of a statement, such as {"StringEquals", "sts:ExternalId", "a1b2c3"}.
type Condition struct{ Operator, Key, Value string }

// Document returns the text of the trust policy for IAM, with a line break at the end.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html
func (t Trust) Document() (string, error) {
	statements := t.callerStatements()
	if _, issuer, ok := strings.Cut(t.Principal, ":oidc-provider/"); ok {
		statements = []Statement{t.TokenStatement(issuer)}
	} else if t.TrustAnchor != "" {
		statements = []Statement{t.anywhereStatement()}
	}
	text, err := json.MarshalIndent(struct {
		Version   string
		Statement []Statement
	}{newVersion, statements}, "", "  ")
	if err != nil {
		return "", err
	}
	return string(text) + "\n", nil
}

// MarshalJSON writes the statement in the format of IAM.
func (s Statement) MarshalJSON() ([]byte, error) {
	conditions := map[string]map[string]string{}
	for _, c := range s.Conditions {
		if conditions[c.Operator] == nil {
			conditions[c.Operator] = map[string]string{}
		}
		conditions[c.Operator][c.Key] = c.Value
	}
	return json.Marshal(struct {
		Effect    string
		Principal map[string]string
		Action    []string
		Condition map[string]map[string]string `json:",omitempty"`
	}{allow, map[string]string{s.Principal.Kind: s.Principal.ARN}, s.Actions, conditions})
}

// extraActions returns the actions that the trust policy must allow in addition to the call's own action. Tags and
// a source identity need one extra action each.
func (t Trust) extraActions() []string {
	var all []string
	if t.SourceIdentity {
		all = append(all, "sts:SetSourceIdentity")
	}
	if t.Tags {
		all = append(all, "sts:TagSession")
	}
	return all
}

// TokenStatement returns the statement that allows calls with a token from the issuer. The argument issuer is
// written without https://, as in IAM. The statement also allows tags and a source identity, because the token may
// contain them. If RolePin is true, the statement accepts only tokens with a list of roles. Without this
// condition, a token that has no list would be accepted too, because AWS checks only lists that exist.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecuritytokenservice.html
func (t Trust) TokenStatement(issuer string) Statement {
	name := t.SessionName
	if name == t.Subject {
		name = "${" + issuer + ":sub}"
	}
	compare := "StringEquals"
	if strings.ContainsAny(t.Subject, "*?") {
		compare = "StringLike"
	}
	var pin string
	if t.RolePin {
		pin = "true"
	}
	return Statement{
		Principal{"Federated", t.Principal},
		[]string{assumeRoleWithToken, "sts:SetSourceIdentity", "sts:TagSession"},
		nonEmpty(
			Condition{"StringEquals", issuer + ":aud", t.Audience},
			Condition{compare, issuer + ":sub", t.Subject},
			Condition{"StringEquals", "sts:RoleSessionName", name},
			Condition{"Bool", "sts:RoleAuthorizedByIdp", pin},
		),
	}
}

// anywhereStatement returns the statement that lets Roles Anywhere assume the role for certificates of the trust
// anchor.
// https://docs.aws.amazon.com/rolesanywhere/latest/userguide/trust-model.html
func (t Trust) anywhereStatement() Statement {
	return Statement{
		Principal{"Service", t.Principal},
		[]string{assumeRole, "sts:SetSourceIdentity", "sts:TagSession"},
		[]Condition{{"ArnEquals", "aws:SourceArn", t.TrustAnchor}},
	}
}

// callerStatements returns the statements for calls that the caller signs with AWS credentials. The extra actions
// have their own statement, because the conditions for sts:AssumeRole do not apply to them.
func (t Trust) callerStatements() []Statement {
	who := Principal{"AWS", t.Principal}
	like := Condition{"ArnLike", "aws:PrincipalArn", t.ARNLike}
	var mfa, mfaMaxAge string
	if t.MFA {
		mfa = "true"
	}
	if t.MFAMaxAge > 0 {
		mfaMaxAge = fmt.Sprint(int(t.MFAMaxAge.Seconds()))
	}
	all := []Statement{{who, []string{assumeRole}, nonEmpty(
		Condition{"StringEquals", "sts:ExternalId", t.ExternalID},
		Condition{"StringEquals", "sts:RoleSessionName", t.SessionName},
		Condition{"Bool", "aws:MultiFactorAuthPresent", mfa},
		Condition{"NumericLessThan", "aws:MultiFactorAuthAge", mfaMaxAge},
		like,
	)}}
	if more := t.extraActions(); len(more) > 0 {
		all = append(all, Statement{who, more, nonEmpty(like)})
	}
	return all
}

// nonEmpty returns the conditions whose value is not empty.
func nonEmpty(all ...Condition) []Condition {
	return slices.DeleteFunc(all, func(c Condition) bool { return c.Value == "" })
}
