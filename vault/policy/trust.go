package policy

import (
	"encoding/json"
	"fmt"
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

// condition is operator, key, value.
type condition map[string]map[string]string

func (c condition) add(operator, key, value string) {
	if value == "" {
		return
	}
	if c[operator] == nil {
		c[operator] = map[string]string{}
	}
	c[operator][key] = value
}

type trusting struct {
	Effect    string
	Principal map[string]string
	Action    []string
	Condition condition `json:",omitempty"`
}

// Document returns the trust policy as IAM takes it, with a line break at its end.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html
func (t Trust) Document() (string, error) {
	statements := t.callers()
	if _, issuer, ok := strings.Cut(t.Principal, ":oidc-provider/"); ok {
		statements = []trusting{t.token(issuer)}
	}
	text, err := json.MarshalIndent(struct {
		Version   string
		Statement []trusting
	}{newVersion, statements}, "", "  ")
	if err != nil {
		return "", err
	}
	return string(text) + "\n", nil
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

// token lets in who shows a token. What the token says of tags and source identity is not
// known here, so both are allowed.
func (t Trust) token(issuer string) trusting {
	c := condition{}
	c.add("StringEquals", issuer+":aud", t.Audience)
	c.add("StringEquals", issuer+":sub", t.Subject)
	name := t.SessionName
	if name == t.Subject {
		name = "${" + issuer + ":sub}"
	}
	c.add("StringEquals", "sts:RoleSessionName", name)
	return trusting{
		Effect: allow, Principal: map[string]string{"Federated": t.Principal},
		Action: []string{byToken, "sts:SetSourceIdentity", "sts:TagSession"}, Condition: c,
	}
}

// callers lets in who signs the call. The permissions beside sts:AssumeRole stand apart: what
// is asked of the call as a whole is not asked of them.
func (t Trust) callers() []trusting {
	who := map[string]string{"AWS": t.Principal}
	c, rest := condition{}, condition{}
	c.add("StringEquals", "sts:ExternalId", t.ExternalID)
	c.add("StringEquals", "sts:RoleSessionName", t.SessionName)
	if t.MFA {
		c.add("Bool", "aws:MultiFactorAuthPresent", "true")
	}
	if t.MFAMaxAge > 0 {
		c.add("NumericLessThan", "aws:MultiFactorAuthAge", fmt.Sprint(int(t.MFAMaxAge.Seconds())))
	}
	c.add("ArnLike", "aws:PrincipalArn", t.ARNLike)
	rest.add("ArnLike", "aws:PrincipalArn", t.ARNLike)
	all := []trusting{{Effect: allow, Principal: who, Action: []string{byRole}, Condition: c}}
	if more := t.companions(); len(more) > 0 {
		all = append(all, trusting{Effect: allow, Principal: who, Action: more, Condition: rest})
	}
	return all
}
