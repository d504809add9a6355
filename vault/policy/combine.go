package policy

import (
	"encoding/json"
	"slices"
)

// AllowAll is a session policy that allows everything. Federated users need it, because they have no
// permissions without a session policy.
const AllowAll = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

// chainActions are the actions that a role needs to assume the next role.
var chainActions = []string{"sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"}

// Chain returns a policy that only allows the session to assume roles.
func Chain() Policy {
	return Policy{Inline: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"],"Resource":"*"}]}`}
}

// ReadOnly returns the AWS managed policy ReadOnlyAccess of a partition. The policy allows reading settings and
// also reading data, such as the objects in S3 buckets.
// https://docs.aws.amazon.com/aws-managed-policy/latest/reference/ReadOnlyAccess.html
func ReadOnly(partition string) Policy {
	return Policy{ARNs: []string{"arn:" + partition + ":iam::aws:policy/ReadOnlyAccess"}}
}

// ConflictError reports two policies that cannot be combined.
type ConflictError struct{}

func (*ConflictError) Error() string {
	return "two session policies that both list allowed actions cannot be combined, because AWS would allow the actions of either one"
}

// Combine returns a policy that allows only what both policies allow. AWS cannot combine two policies in this way:
// if a call has two policies, AWS allows what either policy allows. So Combine requires that one of the policies
// allows everything except what it denies. Combine adds the Deny statements of that policy to the other policy.
// For this, both policies must have the same Version. A zero Policy limits nothing. Combine returns a
// [*ConflictError] if the policies cannot be combined, and an [*Error] if a policy is too large or not valid.
func Combine(a, b Policy) (Policy, error) {
	switch {
	case a.IsZero():
		return b, nil
	case b.IsZero() || a.equal(b):
		return a, nil
	}
	for _, pair := range [][2]Policy{{a, b}, {b, a}} {
		denied, open, err := pair[0].denyStatements()
		if err != nil {
			return Policy{}, err
		}
		if open {
			return pair[1].addDeny(denied)
		}
	}
	return Policy{}, &ConflictError{}
}

func (p Policy) equal(q Policy) bool {
	return p.Inline == q.Inline && slices.Equal(slices.Sorted(slices.Values(p.ARNs)), slices.Sorted(slices.Values(q.ARNs)))
}

// denyStatements returns the Deny statements of a policy. The result open reports whether the policy allows
// everything else. For a policy with ARNs, the result is false, because the statements of managed policies are not
// known.
func (p Policy) denyStatements() (denied document, open bool, err error) {
	if p.Inline == "" || len(p.ARNs) > 0 {
		return document{}, false, nil
	}
	d, statements, err := parseDocument(p.Inline)
	if err != nil {
		return document{}, false, err
	}
	d.Statement, err = d.denyWithoutSid(statements)
	return d, slices.ContainsFunc(statements, statement.allowsAll), err
}

// addDeny returns a copy of the policy that also contains the Deny statements of the document denied.
func (p Policy) addDeny(denied document) (Policy, error) {
	if len(denied.Statement) == 0 {
		return p, nil
	}
	d := document{Version: denied.Version}
	if p.Inline != "" {
		var err error
		if d, _, err = parseDocument(p.Inline); err != nil {
			return Policy{}, err
		}
	}
	if d.languageVersion() != denied.languageVersion() {
		return Policy{}, &ConflictError{}
	}
	d.Statement = append(d.Statement, denied.Statement...)
	text, err := json.Marshal(d)
	if err != nil {
		return Policy{}, parseError(err)
	}
	return Parse(string(text), p.ARNs)
}

// ForChain returns the session policy for a role that is only used to assume the next role. If p allows only
// actions that [Chain] allows, ForChain returns p. Otherwise it returns the combination of p and Chain. ForChain
// returns a [*ConflictError] if p and Chain cannot be combined.
func (p Policy) ForChain() (Policy, error) {
	if p.IsZero() {
		return Chain(), nil
	}
	if len(p.ARNs) == 0 {
		_, statements, err := parseDocument(p.Inline)
		if err != nil {
			return Policy{}, err
		}
		if !slices.ContainsFunc(statements, func(s statement) bool { return !s.allowsOnly(chainActions) }) {
			return p, nil
		}
	}
	return Combine(p, Chain())
}
