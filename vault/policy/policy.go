// Package policy reads, combines and checks policies: session policies limit what a session may do,
// and trust policies decide who may assume a role. The package does no input or output; callers
// read the files and make the calls to AWS.
package policy

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// MaxInline is the maximum number of characters in a call's inline session policy and managed policy ARNs
// together.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
const MaxInline = 2048

// MaxARNs is the maximum number of managed policies in one call.
const MaxARNs = 10

// A Policy is a session policy. A session may do only what both its role and its session policy
// allow. The zero Policy limits nothing.
type Policy struct {
	Inline string   `json:"inline,omitempty"` // JSON text without white space; empty for none
	ARNs   []string `json:"arns,omitempty"`   // ARNs of managed policies, in the order in which they were given
}

// IsZero reports whether p limits nothing.
func (p Policy) IsZero() bool { return p.Inline == "" && len(p.ARNs) == 0 }

// Error reports an invalid policy.
type Error struct {
	Found string // a description of the problem, never the whole text of the policy
	Want  string
	Trust bool // whether the policy is a trust policy, not a session policy
}

func (e *Error) Error() string {
	kind := "session policy"
	if e.Trust {
		kind = "trust policy"
	}
	return fmt.Sprintf("%s is %s, expected %s", kind, e.Found, e.Want)
}

func invalid(found, want string) *Error { return &Error{Found: found, Want: want} }

// Parse checks the text of an inline policy and a list of managed policy ARNs. The text and the list may
// be empty. Parse fails with an *[Error] if one of them is not valid.
func Parse(text string, arns []string) (Policy, error) {
	p := Policy{ARNs: arns}
	if strings.TrimSpace(text) != "" {
		inline, err := compact(text)
		if err != nil {
			return Policy{}, err
		}
		p.Inline = inline
	}
	if len(arns) > MaxARNs {
		return Policy{}, invalid(fmt.Sprintf("%d managed policies", len(arns)), fmt.Sprintf("at most %d", MaxARNs))
	}
	size := utf8.RuneCountInString(p.Inline)
	for _, arn := range arns {
		if !isPolicyARN(arn) {
			return Policy{}, invalid(fmt.Sprintf("%.80q", arn), "the ARN of a managed policy, such as arn:aws:iam::aws:policy/ReadOnlyAccess")
		}
		size += len(arn)
	}
	if size > MaxInline {
		return Policy{}, invalid(fmt.Sprintf("%d characters long", size), fmt.Sprintf("at most %d, inline text and ARNs together", MaxInline))
	}
	return p, nil
}

// compact removes white space from a JSON text. It fails if the text is not one object with a Statement. It also
// fails if the text contains a character that AWS does not allow in a policy. AWS allows tab, newline, carriage
// return and U+0020 to U+00FF.
func compact(text string) (string, error) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &object); err != nil {
		return "", invalid("not JSON ("+err.Error()+")", "an IAM policy document")
	}
	if _, ok := object["Statement"]; !ok {
		return "", invalid("a document without a Statement", "an IAM policy document")
	}
	for _, r := range text {
		if r > 0xff {
			return "", invalid(fmt.Sprintf("a document with the character %q", r), "characters up to U+00FF")
		}
	}
	var b strings.Builder
	inString, escaped := false, false
	for _, r := range text {
		switch {
		case escaped:
			escaped = false
		case inString && r == '\\':
			escaped = true
		case r == '"':
			inString = !inString
		case !inString && strings.ContainsRune(" \t\r\n", r):
			continue
		}
		b.WriteRune(r)
	}
	return b.String(), nil
}

func isPolicyARN(arn string) bool {
	parts := strings.SplitN(arn, ":", 6)
	return len(parts) == 6 && parts[0] == "arn" && parts[2] == "iam" && strings.HasPrefix(parts[5], "policy/") && len(parts[5]) > len("policy/")
}
