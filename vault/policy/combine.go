package policy

import (
	"encoding/json"
	"slices"
)

// Full is a policy that takes nothing away: a federated user has no rights without one.
const Full = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

// chainActions are what a role needs that does nothing but assume the next one.
var chainActions = []string{"sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"}

// Chain lets a session assume roles, and do nothing else.
func Chain() Policy {
	return Policy{Inline: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"],"Resource":"*"}]}`}
}

// ReadOnly is AWS's own ReadOnlyAccess in a partition. It reads data too.
// https://docs.aws.amazon.com/aws-managed-policy/latest/reference/ReadOnlyAccess.html
func ReadOnly(partition string) Policy {
	return Policy{ARNs: []string{"arn:" + partition + ":iam::aws:policy/ReadOnlyAccess"}}
}

// ConflictError is returned for two policies that cannot be one.
type ConflictError struct{}

func (*ConflictError) Error() string {
	return "two session policies that both list what is allowed cannot go into one call, since AWS would allow what either of them does"
}

// Combine returns a policy that allows nothing which either of two forbids. AWS adds the
// policies of one call up [K], so two lists of what is allowed never meet: one of the two
// must allow everything but what it denies, and only its Deny statements are taken over, if
// both are of one Version.
// A zero Policy limits nothing. It returns a [*ConflictError] where there is no such
// policy, and an [*Error] for one that is too large or not understood.
func Combine(a, b Policy) (Policy, error) {
	switch {
	case a.IsZero():
		return b, nil
	case b.IsZero() || a.equal(b):
		return a, nil
	}
	for _, pair := range [][2]Policy{{a, b}, {b, a}} {
		denied, open, err := pair[0].openBut()
		if err != nil {
			return Policy{}, err
		}
		if open {
			return pair[1].denying(denied)
		}
	}
	return Policy{}, &ConflictError{}
}

func (p Policy) equal(q Policy) bool {
	return p.Inline == q.Inline && slices.Equal(slices.Sorted(slices.Values(p.ARNs)), slices.Sorted(slices.Values(q.ARNs)))
}

// openBut returns the Deny statements of a policy, and whether it otherwise allows everything.
// What a managed policy denies cannot be known here, so one with ARNs is not of that kind.
func (p Policy) openBut() (denied document, open bool, err error) {
	if p.Inline == "" || len(p.ARNs) > 0 {
		return document{}, false, nil
	}
	d, statements, err := read(p.Inline)
	if err != nil {
		return document{}, false, err
	}
	d.Statement, err = d.nameless(statements)
	return d, slices.ContainsFunc(statements, statement.allowsAll), err
}

// denying adds Deny statements to a policy.
func (p Policy) denying(denied document) (Policy, error) {
	if len(denied.Statement) == 0 {
		return p, nil
	}
	d := document{Version: denied.Version}
	if p.Inline != "" {
		var err error
		if d, _, err = read(p.Inline); err != nil {
			return Policy{}, err
		}
	}
	if d.meaning() != denied.meaning() {
		return Policy{}, &ConflictError{}
	}
	d.Statement = append(d.Statement, denied.Statement...)
	text, err := json.Marshal(d)
	if err != nil {
		return Policy{}, unread(err)
	}
	return Parse(string(text), p.ARNs)
}

// ForChain returns what a role carries that is there to assume the next one: [Chain], or p
// where that allows no more. It returns a [*ConflictError] if p allows something else.
func (p Policy) ForChain() (Policy, error) {
	if p.IsZero() {
		return Chain(), nil
	}
	if len(p.ARNs) == 0 {
		_, statements, err := read(p.Inline)
		if err != nil {
			return Policy{}, err
		}
		if !slices.ContainsFunc(statements, func(s statement) bool { return !s.allowsOnly(chainActions) }) {
			return p, nil
		}
	}
	return Combine(p, Chain())
}
