package policy

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

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
	return t.operator != "stringequals" && t.operator != "stringequalsignorecase" && strings.ContainsAny(t.value, "*?")
}

// prefix returns the value before its first wildcard.
func (t comparison) prefix() string {
	if !t.isWildcard() {
		return t.value
	}
	return t.value[:strings.IndexAny(t.value, "*?")]
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

// pinningOperators are the operators that match only if the key has one of the values. ArnEquals accepts wildcards, as
// ArnLike does.
var pinningOperators = []string{"stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike"}

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
