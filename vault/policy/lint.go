package policy

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// maxTrust is the maximum size in bytes of a trust policy that Lint reads. IAM allows only 4096 characters.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const maxTrust = 64 << 10

// A Finding is a problem in a role's trust policy: the policy trusts more principals than intended, or does not
// allow calls that should work.
type Finding struct {
	Statement int    // number of the statement, from 1
	Rule      string // short name of the rule, which never changes
	Text      string
}

// trustStatement is a statement of a trust policy.
type trustStatement struct {
	Effect       string
	Principal    principals
	NotPrincipal principals
	Action       stringList
	NotAction    stringList
	Condition    map[string]map[string]values
}

// values has the values of a condition: strings, numbers or booleans. The JSON is one value or a list.
type values []string

func (v *values) UnmarshalJSON(data []byte) error {
	list := []json.RawMessage{data}
	if data[0] == '[' {
		if err := json.Unmarshal(data, &list); err != nil {
			return err
		}
	}
	for _, one := range list {
		text := string(one)
		if text[0] == '{' || text[0] == '[' {
			return fmt.Errorf("a condition with the value %.20q", text)
		}
		if text[0] == '"' {
			if err := json.Unmarshal(one, &text); err != nil {
				return err
			}
		}
		*v = append(*v, text)
	}
	return nil
}

// principals has the principals of a statement, by kind. A "*" without a kind gets the kind AWS.
type principals map[string]stringList

func (p *principals) UnmarshalJSON(data []byte) error {
	var all string
	if json.Unmarshal(data, &all) == nil {
		*p = principals{"AWS": {all}}
		return nil
	}
	return json.Unmarshal(data, (*map[string]stringList)(p))
}

// Lint checks a role's trust policy and returns its problems in the order of the statements. It
// fails with an *[Error] if text is not a trust policy.
func Lint(text []byte) ([]Finding, error) {
	if len(text) > maxTrust {
		return nil, &Error{fmt.Sprintf("%d bytes long", len(text)), fmt.Sprintf("at most %d", maxTrust)}
	}
	var d struct{ Statement json.RawMessage }
	if err := json.Unmarshal(text, &d); err != nil {
		return nil, parseError(err)
	}
	if len(d.Statement) == 0 {
		return nil, &Error{"a document without a Statement", "the trust policy of a role"}
	}
	statements := make([]trustStatement, 1)
	into := any(&statements[0])
	if d.Statement[0] == '[' {
		into = &statements
	}
	if err := json.Unmarshal(d.Statement, into); err != nil {
		return nil, parseError(err)
	}
	var l linter
	for i, s := range statements {
		if s.Effect != allow && s.Effect != deny {
			return nil, &Error{"a statement with an Effect other than Allow or Deny", "Allow or Deny"}
		}
		if s.Effect == allow {
			l.number = i + 1
			l.checkStatement(s, statements)
		}
	}
	return l.found, nil
}

// A linter collects findings.
type linter struct {
	found  []Finding
	number int
}

func (l *linter) report(rule, format string, args ...any) {
	l.found = append(l.found, Finding{l.number, rule, fmt.Sprintf(format, args...)})
}

const (
	assumeRole          = "sts:AssumeRole"
	assumeRoleWithToken = "sts:AssumeRoleWithWebIdentity"
)

func (l *linter) checkStatement(s trustStatement, all []trustStatement) {
	role, token := s.covers(assumeRole), s.covers(assumeRoleWithToken)
	if len(s.NotPrincipal) > 0 {
		l.report("not-principal", "NotPrincipal trusts every principal that it does not name")
	}
	if role && slices.Contains(s.Principal["AWS"], "*") && len(s.Condition) == 0 {
		l.report("anybody", `the principal is "*" without a condition: anyone with an AWS account can assume the role`)
	}
	for _, provider := range s.Principal["Federated"] {
		if token && strings.Contains(provider, ":oidc-provider/") {
			l.checkProvider(s, provider)
		}
	}
	if token && slices.Contains(s.Principal["AWS"], "*") {
		l.report("anybody", `the principal is "*", expected the ARN of one OIDC provider`)
	}
	if role || token {
		l.checkExtraActions(s, all)
	}
}

// checkProvider checks the conditions for tokens of one OIDC provider.
func (l *linter) checkProvider(s trustStatement, arn string) {
	_, issuer, _ := strings.Cut(arn, ":oidc-provider/")
	if strings.HasSuffix(issuer, "/") || strings.Contains(issuer, "://") {
		l.report("issuer", "the provider is %q, expected the issuer without https:// and without a slash at the end", issuer)
	}
	aud, sub := s.condition(issuer+":aud"), s.condition(issuer+":sub")
	if len(aud) == 0 {
		l.report("no-audience", "no condition on %s:aud: tokens that were issued for other programs are accepted too", issuer)
	}
	for _, c := range aud {
		if c.isWildcard() {
			l.report("wild-audience", "%s:aud is %q, expected one audience without wildcards", issuer, c.value)
		}
	}
	if len(sub) == 0 {
		l.report("no-subject", "no condition on %s:sub: every user of the provider can assume the role", issuer)
	}
	for _, c := range sub {
		switch {
		case c.isWildcard() && strings.Trim(c.value, "*?") == "":
			l.report("wild-subject", "%s:sub is %q: every user of the provider can assume the role", issuer, c.value)
		case c.isWildcard():
			l.report("wild-subject", "%s:sub is %q: every user with a matching subject can assume the role, and the provider decides who gets such a subject", issuer, c.value)
		}
	}
	if !s.pinsName(issuer) {
		l.report("session-name", `the session name is not checked, so one user can make calls under another user's name; expected StringEquals "sts:RoleSessionName": "${%s:sub}"`, issuer)
	}
}

// checkExtraActions checks whether calls with session tags or a source identity are allowed. Session tags need the
// action sts:TagSession, and a source identity needs sts:SetSourceIdentity. Any statement for the same principal
// can allow these actions.
func (l *linter) checkExtraActions(s trustStatement, all []trustStatement) {
	for _, need := range []struct{ action, rule, carries string }{
		{"sts:TagSession", "no-tags", "session tags"},
		{"sts:SetSourceIdentity", "no-source-identity", "a source identity"},
	} {
		if !slices.ContainsFunc(all, func(t trustStatement) bool { return t.Effect == allow && t.covers(need.action) && t.sharesPrincipal(s) }) {
			l.report(need.rule, "%s is not allowed for the principal that can assume the role: AWS refuses calls with %s", need.action, need.carries)
		}
	}
}

// sharesPrincipal reports whether the two statements have a principal in common.
func (s trustStatement) sharesPrincipal(other trustStatement) bool {
	for kind, names := range s.Principal {
		for _, name := range names {
			if name == "*" || slices.Contains(other.Principal[kind], name) || slices.Contains(other.Principal[kind], "*") {
				return true
			}
		}
	}
	return false
}

// covers reports whether the statement applies to the action.
func (s trustStatement) covers(action string) bool {
	hit := func(pattern string) bool { return matchesPattern(strings.ToLower(pattern), strings.ToLower(action)) }
	return slices.ContainsFunc(s.Action, hit) || len(s.NotAction) > 0 && !slices.ContainsFunc(s.NotAction, hit)
}

// A comparison is the operator of a condition and one of the values in the condition.
type comparison struct {
	operator string // in lower case
	value    string
}

// isWildcard reports whether the comparison matches more than one value.
func (t comparison) isWildcard() bool {
	return strings.Contains(t.operator, "like") && strings.ContainsAny(t.value, "*?")
}

// condition returns the comparisons for a key. It ignores operators that also match if the key is
// missing from the request, and operators that only exclude values.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
func (s trustStatement) condition(key string) []comparison {
	var all []comparison
	for operator, keys := range s.Condition {
		operator = strings.TrimPrefix(strings.ToLower(operator), "foranyvalue:")
		if strings.Contains(operator, ":") || strings.HasSuffix(operator, "ifexists") || !slices.Contains(pinningOperators, operator) {
			continue
		}
		for name, values := range keys {
			if strings.EqualFold(name, key) {
				for _, v := range values {
					all = append(all, comparison{operator, v})
				}
			}
		}
	}
	slices.SortFunc(all, func(a, b comparison) int { return strings.Compare(a.operator+a.value, b.operator+b.value) })
	return all
}

var pinningOperators = []string{"stringequals", "stringequalsignorecase", "stringlike"}

// pinsName reports whether the statement allows only certain session names: the token's subject or email,
// or fixed names.
func (s trustStatement) pinsName(issuer string) bool {
	names := s.condition("sts:RoleSessionName")
	return len(names) > 0 && !slices.ContainsFunc(names, func(t comparison) bool {
		return t.isWildcard() || strings.Contains(t.value, "${") && t.value != "${"+issuer+":sub}" && t.value != "${"+issuer+":email}"
	})
}

// matchesPattern reports whether value matches a pattern. In a pattern, * stands for any number of
// characters, and ? for one character.
func matchesPattern(pattern, value string) bool {
	star, resume, p := -1, 0, 0
	for v := 0; v < len(value); {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, resume = p, v
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == value[v]):
			p++
			v++
		case star >= 0:
			resume++
			p, v = star+1, resume
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
