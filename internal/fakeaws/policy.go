package fakeaws

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
)

// policy is the part of an IAM policy that the fake evaluates.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
type policy struct {
	Version   string `json:",omitempty"`
	ID        string `json:"Id,omitempty"`
	Statement oneOrMore[statement]
}

type statement struct {
	Sid         string `json:",omitempty"`
	Effect      string
	Action      oneOrMore[string]                    `json:",omitempty"`
	NotAction   oneOrMore[string]                    `json:",omitempty"`
	Resource    oneOrMore[string]                    `json:",omitempty"`
	NotResource oneOrMore[string]                    `json:",omitempty"`
	Condition   map[string]map[string]oneOrMore[any] `json:",omitempty"`
}

// oneOrMore is a list. In JSON, a list with one value can also be written as that value alone.
type oneOrMore[T any] []T

func (o *oneOrMore[T]) UnmarshalJSON(data []byte) error {
	switch {
	case string(data) == "null":
		return errors.New("found null, expected a value")
	case bytes.HasPrefix(data, []byte("[")):
		return strict(data, (*[]T)(o))
	}
	*o = make([]T, 1)
	return strict(data, &(*o)[0])
}

// strict decodes one JSON value. It refuses unknown fields.
func strict(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more after the end")
	}
	return nil
}

// parsePolicy parses a policy. If that fails, it returns AWS's MalformedPolicyDocument and the zero policy, which
// allows nothing.
func parsePolicy(text string) (policy, error) {
	var p policy
	if strict([]byte(text), &p) != nil || len(p.Statement) == 0 {
		return policy{}, refuse(400, "MalformedPolicyDocument", "This policy contains invalid Json")
	}
	if !slices.Contains([]string{"", "2012-10-17", "2008-10-17"}, p.Version) {
		return policy{}, refuse(400, "MalformedPolicyDocument", "The policy must contain a valid version string")
	}
	for _, s := range p.Statement {
		switch {
		case s.Effect != "Allow" && s.Effect != "Deny":
			return policy{}, refuse(400, "MalformedPolicyDocument", "Syntax errors in policy: Effect must be Allow or Deny.")
		case (len(s.Action) == 0) == (len(s.NotAction) == 0):
			return policy{}, refuse(400, "MalformedPolicyDocument", "Policy statement must contain actions.")
		case (len(s.Resource) == 0) == (len(s.NotResource) == 0):
			return policy{}, refuse(400, "MalformedPolicyDocument", "Policy statement must contain resources.")
		}
	}
	return p, nil
}

// covers reports whether the statement applies to the action on the resource. It does not evaluate conditions: a Deny
// with a condition always applies, and an Allow with a condition never applies. The fake can therefore refuse too much,
// but never allows too much.
func (s statement) covers(action, resource string) bool {
	if len(s.Condition) > 0 && s.Effect == "Allow" {
		return false
	}
	hit := func(patterns []string, value string) bool {
		return slices.ContainsFunc(patterns, func(p string) bool { return wild(p, value) })
	}
	action = strings.ToLower(action)
	lower := func(patterns []string) (out []string) {
		for _, p := range patterns {
			out = append(out, strings.ToLower(p))
		}
		return out
	}
	return (hit(lower(s.Action), action) || len(s.NotAction) > 0 && !hit(lower(s.NotAction), action)) &&
		(hit(s.Resource, resource) || len(s.NotResource) > 0 && !hit(s.NotResource, resource))
}

// wild reports whether value matches pattern. In pattern, * matches any characters, and ? matches one character.
func wild(pattern, value string) bool {
	star, mark := -1, 0
	p := 0
	for v := 0; v < len(value); {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, v
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == value[v]):
			p++
			v++
		case star >= 0:
			mark++
			p, v = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// allow reports whether at least one policy allows the action and no policy denies the action.
func allow(policies []policy, action, resource string) bool {
	allowed := false
	for _, p := range policies {
		for _, s := range p.Statement {
			if !s.covers(action, resource) {
				continue
			}
			if s.Effect == "Deny" {
				return false
			}
			allowed = true
		}
	}
	return allowed
}

// limit has the session policies of a session. An action is allowed if at least one of these policies, inline or
// managed, allows it. AWS does not document this for several policies.
type limit struct{ policies []policy }

// may reports whether three kinds of policies allow the action: those of the caller's user, of the caller's role and
// of the caller's session. A user's policies limit only actions of IAM. Without any policies, the caller may do
// everything.
func (c *caller) may(action, resource string) bool {
	s := c.session
	if u := c.owner(); u != nil && len(u.policies) > 0 && strings.HasPrefix(action, "iam:") && !allow(u.policies, action, resource) {
		return false
	}
	if s == nil {
		return true
	}
	if s.role != nil && len(s.role.policies) > 0 && !allow(s.role.policies, action, resource) {
		return false
	}
	return s.limit == nil || allow(s.limit.policies, action, resource)
}
