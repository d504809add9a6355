package policy

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Trust is what a role's trust policy has to let in.
type Trust struct {
	Principal   string // an ARN: of a user, a role, an account's root, or an OIDC provider
	ARNLike     string // the pattern that the caller's ARN must match too; empty for any
	SessionName string // the only name of a session; empty for any

	ExternalID string
	MFA        bool
	MFAMaxAge  time.Duration // of the code; 0 for any

	Audience string // of the token; empty where none is shown
	Subject  string // likewise

	Tags, SourceIdentity bool // the call carries some, or they were passed on to it
}

// A Statement of a trust policy allows actions to a principal.
type Statement struct {
	Principal  Principal
	Actions    []string
	Conditions []Condition
}

// A Principal is an ARN and what IAM calls its kind: AWS or Federated.
type Principal struct{ Kind, ARN string }

// A Condition of a statement, such as StringEquals, sts:ExternalId and the ID.
type Condition struct{ Operator, Key, Value string }

// Document returns the trust policy as IAM takes it, with a line break at its end.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html
func (t Trust) Document() (string, error) {
	statements := t.callers()
	if _, issuer, ok := strings.Cut(t.Principal, ":oidc-provider/"); ok {
		statements = []Statement{t.TokenStatement(issuer)}
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

// MarshalJSON writes the statement as IAM takes it.
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

// companions are the permissions that a call needs besides its own.
func (t Trust) companions() []string {
	var all []string
	if t.SourceIdentity {
		all = append(all, "sts:SetSourceIdentity")
	}
	if t.Tags {
		all = append(all, "sts:TagSession")
	}
	return all
}

// TokenStatement lets in who shows a token of the issuer, which is named as in IAM: without https://.
// What the token says of tags and source identity is not known here, so both are allowed.
func (t Trust) TokenStatement(issuer string) Statement {
	name := t.SessionName
	if name == t.Subject {
		name = "${" + issuer + ":sub}"
	}
	return Statement{
		Principal{"Federated", t.Principal},
		[]string{byToken, "sts:SetSourceIdentity", "sts:TagSession"},
		given(
			Condition{"StringEquals", issuer + ":aud", t.Audience},
			Condition{"StringEquals", issuer + ":sub", t.Subject},
			Condition{"StringEquals", "sts:RoleSessionName", name},
		),
	}
}

// callers lets in who signs the call. The permissions beside sts:AssumeRole stand apart: what
// is asked of the call as a whole is not asked of them.
func (t Trust) callers() []Statement {
	who := Principal{"AWS", t.Principal}
	like := Condition{"ArnLike", "aws:PrincipalArn", t.ARNLike}
	var mfa, mfaMaxAge string
	if t.MFA {
		mfa = "true"
	}
	if t.MFAMaxAge > 0 {
		mfaMaxAge = fmt.Sprint(int(t.MFAMaxAge.Seconds()))
	}
	all := []Statement{{who, []string{byRole}, given(
		Condition{"StringEquals", "sts:ExternalId", t.ExternalID},
		Condition{"StringEquals", "sts:RoleSessionName", t.SessionName},
		Condition{"Bool", "aws:MultiFactorAuthPresent", mfa},
		Condition{"NumericLessThan", "aws:MultiFactorAuthAge", mfaMaxAge},
		like,
	)}}
	if more := t.companions(); len(more) > 0 {
		all = append(all, Statement{who, more, given(like)})
	}
	return all
}

// given returns the conditions that have a value.
func given(all ...Condition) []Condition {
	return slices.DeleteFunc(all, func(c Condition) bool { return c.Value == "" })
}
