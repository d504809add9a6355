package policy

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// maxTrust bounds a trust policy that is read; IAM takes 4096 characters at most.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const maxTrust = 64 << 10

// A Finding is something in a role's trust policy that lets in more than was meant, or keeps
// out what was to come in.
type Finding struct {
	Statement int    // from 1; 0 for the policy as a whole
	Rule      string // a short name that stays
	Text      string
}

// trustStatement is a statement of a trust policy.
type trustStatement struct {
	Effect       string
	Principal    principals
	NotPrincipal principals
	Action       words
	NotAction    words
	Condition    map[string]map[string]values
}

// values are what a condition compares with: texts, numbers and truth values, one or a list.
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
			return fmt.Errorf("a condition with %.20q", text)
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

// principals are whom a statement speaks of, by kind. A "*" that stands alone is of the kind AWS.
type principals map[string]words

func (p *principals) UnmarshalJSON(data []byte) error {
	var all string
	if json.Unmarshal(data, &all) == nil {
		*p = principals{"AWS": {all}}
		return nil
	}
	return json.Unmarshal(data, (*map[string]words)(p))
}

// Lint reads the trust policy of a role and returns what is wrong with it, in the order of its
// statements. It fails with an *[Error] for what is no policy.
func Lint(text []byte) ([]Finding, error) {
	if len(text) > maxTrust {
		return nil, &Error{fmt.Sprintf("%d bytes long", len(text)), fmt.Sprintf("at most %d", maxTrust)}
	}
	var d struct{ Statement json.RawMessage }
	if err := json.Unmarshal(text, &d); err != nil {
		return nil, unread(err)
	}
	if len(d.Statement) == 0 {
		return nil, &Error{"a document without Statement", "a role's trust policy"}
	}
	statements := make([]trustStatement, 1)
	into := any(&statements[0])
	if d.Statement[0] == '[' {
		into = &statements
	}
	if err := json.Unmarshal(d.Statement, into); err != nil {
		return nil, unread(err)
	}
	var l linter
	for i, s := range statements {
		if s.Effect != allow && s.Effect != deny {
			return nil, &Error{"a statement whose Effect is neither Allow nor Deny", "one of the two"}
		}
		if s.Effect == allow {
			l.at = i + 1
			l.statement(s, statements)
		}
	}
	return l.found, nil
}

// A linter gathers findings.
type linter struct {
	found []Finding
	at    int
}

func (l *linter) say(rule, format string, args ...any) {
	l.found = append(l.found, Finding{l.at, rule, fmt.Sprintf(format, args...)})
}

const (
	byRole  = "sts:AssumeRole"
	byToken = "sts:AssumeRoleWithWebIdentity"
)

func (l *linter) statement(s trustStatement, all []trustStatement) {
	role, token := s.does(byRole), s.does(byToken)
	if len(s.NotPrincipal) > 0 {
		l.say("not-principal", "NotPrincipal lets everybody in but those it names")
	}
	if role && slices.Contains(s.Principal["AWS"], "*") && len(s.Condition) == 0 {
		l.say("anybody", `the principal is "*" and there is no condition: anybody with an AWS account may assume the role`)
	}
	for _, provider := range s.Principal["Federated"] {
		if token && strings.Contains(provider, ":oidc-provider/") {
			l.provider(s, provider)
		}
	}
	if token && slices.Contains(s.Principal["AWS"], "*") {
		l.say("anybody", `the principal is "*", want the ARN of one OIDC provider`)
	}
	if role || token {
		l.companions(s, all)
	}
}

// provider looks at what a token of one OIDC provider must say to come in.
func (l *linter) provider(s trustStatement, arn string) {
	_, issuer, _ := strings.Cut(arn, ":oidc-provider/")
	if strings.HasSuffix(issuer, "/") || strings.Contains(issuer, "://") {
		l.say("issuer", "the provider is %q, want the issuer without https:// and without a slash at its end", issuer)
	}
	aud, sub := s.condition(issuer+":aud"), s.condition(issuer+":sub")
	if len(aud) == 0 {
		l.say("no-audience", "no condition on %s:aud: a token that was made for another program comes in too", issuer)
	}
	for _, c := range aud {
		if c.wild() {
			l.say("wild-audience", "%s:aud is %q, want one audience", issuer, c.value)
		}
	}
	if len(sub) == 0 {
		l.say("no-subject", "no condition on %s:sub: whoever the provider knows comes in", issuer)
	}
	for _, c := range sub {
		switch {
		case c.wild() && strings.Trim(c.value, "*?") == "":
			l.say("wild-subject", "%s:sub is %q: whoever the provider knows comes in", issuer, c.value)
		case c.wild():
			l.say("wild-subject", "%s:sub is %q: whoever has such a subject comes in, and who has is the provider's to say", issuer, c.value)
		}
	}
	if !s.pinsName(issuer) {
		l.say("session-name", `the session name is not pinned, so that one person can sign calls with another's name: want StringEquals "sts:RoleSessionName": "${%s:sub}"`, issuer)
	}
}

// companions looks for the two permissions that a call needs which carries tags or a source
// identity. They may stand in another statement.
func (l *linter) companions(s trustStatement, all []trustStatement) {
	for _, need := range []struct{ action, rule, carries string }{
		{"sts:TagSession", "no-tags", "session tags"},
		{"sts:SetSourceIdentity", "no-source-identity", "a source identity"},
	} {
		if !slices.ContainsFunc(all, func(t trustStatement) bool { return t.Effect == allow && t.does(need.action) && t.meets(s) }) {
			l.say(need.rule, "%s is not allowed to the same principal: a call with %s is refused", need.action, need.carries)
		}
	}
}

// meets reports whether two statements speak of a principal in common.
func (s trustStatement) meets(other trustStatement) bool {
	for kind, names := range s.Principal {
		for _, name := range names {
			if name == "*" || slices.Contains(other.Principal[kind], name) || slices.Contains(other.Principal[kind], "*") {
				return true
			}
		}
	}
	return false
}

// does reports whether the statement speaks of an action.
func (s trustStatement) does(action string) bool {
	hit := func(pattern string) bool { return like(strings.ToLower(pattern), strings.ToLower(action)) }
	return slices.ContainsFunc(s.Action, hit) || len(s.NotAction) > 0 && !slices.ContainsFunc(s.NotAction, hit)
}

// A test is one value that a condition compares a key with.
type test struct {
	operator string // in lower case
	value    string
}

// wild reports whether the test takes more than one value.
func (t test) wild() bool {
	return strings.Contains(t.operator, "like") && strings.ContainsAny(t.value, "*?")
}

// condition returns what a key must be. An operator that is met where the key is missing, or
// that only shuts out, demands nothing.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
func (s trustStatement) condition(key string) []test {
	var all []test
	for operator, keys := range s.Condition {
		operator = strings.TrimPrefix(strings.ToLower(operator), "foranyvalue:")
		if strings.Contains(operator, ":") || strings.HasSuffix(operator, "ifexists") || !slices.Contains(demanding, operator) {
			continue
		}
		for name, values := range keys {
			if strings.EqualFold(name, key) {
				for _, v := range values {
					all = append(all, test{operator, v})
				}
			}
		}
	}
	slices.SortFunc(all, func(a, b test) int { return strings.Compare(a.operator+a.value, b.operator+b.value) })
	return all
}

var demanding = []string{"stringequals", "stringequalsignorecase", "stringlike"}

// pinsName reports whether a token's session is named after its subject, or has the only name
// that is let in.
func (s trustStatement) pinsName(issuer string) bool {
	names := s.condition("sts:RoleSessionName")
	return len(names) > 0 && !slices.ContainsFunc(names, func(t test) bool {
		return t.wild() || strings.Contains(t.value, "${") && t.value != "${"+issuer+":sub}" && t.value != "${"+issuer+":email}"
	})
}

// like matches a pattern of a policy, with * for any letters and ? for one.
func like(pattern, value string) bool {
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
