package policy

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// document is a policy document. Only the parts that this package needs are parsed. The statements keep
// their original text.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
type document struct {
	Version   string            `json:"Version,omitempty"`
	Statement []json.RawMessage `json:"Statement"`
}

// statement has the fields that decide whether two policies can be combined.
type statement struct {
	Effect       string
	Action       stringList
	NotAction    stringList
	Resource     stringList
	NotResource  stringList
	Principal    json.RawMessage
	NotPrincipal json.RawMessage
	Condition    json.RawMessage
}

// stringList is a JSON string or a list of strings.
type stringList []string

func (w *stringList) UnmarshalJSON(data []byte) error {
	if bytes.HasPrefix(data, []byte("[")) {
		return json.Unmarshal(data, (*[]string)(w))
	}
	*w = make(stringList, 1)
	return json.Unmarshal(data, &(*w)[0])
}

// parseDocument parses an inline policy. Its Statement may be one statement or a list.
func parseDocument(inline string) (document, []statement, error) {
	var raw struct {
		Version   string
		Statement json.RawMessage
	}
	if err := json.Unmarshal([]byte(inline), &raw); err != nil {
		return document{}, nil, parseError(err)
	}
	d := document{Version: raw.Version}
	if bytes.HasPrefix(bytes.TrimSpace(raw.Statement), []byte("{")) {
		d.Statement = []json.RawMessage{raw.Statement}
	} else if err := json.Unmarshal(raw.Statement, &d.Statement); err != nil {
		return document{}, nil, parseError(err)
	}
	statements := make([]statement, len(d.Statement))
	for i, text := range d.Statement {
		if err := json.Unmarshal(text, &statements[i]); err != nil {
			return document{}, nil, parseError(err)
		}
		if e := statements[i].Effect; e != allow && e != deny {
			return document{}, nil, invalid("a statement with an Effect other than Allow or Deny", "Allow or Deny")
		}
	}
	return d, statements, nil
}

func parseError(err error) error {
	return invalid("not valid ("+err.Error()+")", "an IAM policy document")
}

const (
	allow = "Allow"
	deny  = "Deny"
)

// languageVersion returns the version of the policy language: 2012-10-17, or "" for older versions. Older
// versions do not support policy variables.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html
func (d document) languageVersion() string {
	if d.Version == newVersion {
		return newVersion
	}
	return ""
}

const newVersion = "2012-10-17"

// denyWithoutSid returns the Deny statements. It removes their Sid, because a document must not have the
// same Sid twice.
func (d document) denyWithoutSid(statements []statement) ([]json.RawMessage, error) {
	var denied []json.RawMessage
	for i, s := range statements {
		if s.Effect != deny {
			continue
		}
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(d.Statement[i], &fields); err != nil {
			return nil, parseError(err)
		}
		delete(fields, "Sid")
		text, err := json.Marshal(fields)
		if err != nil {
			return nil, parseError(err)
		}
		denied = append(denied, text)
	}
	return denied, nil
}

// allowsAll reports whether the statement allows all actions on all resources without a condition.
func (s statement) allowsAll() bool {
	return s.Effect == allow && slices.Equal(s.Action, []string{"*"}) && slices.Equal(s.Resource, []string{"*"}) &&
		len(s.NotAction)+len(s.NotResource)+len(s.Condition)+len(s.Principal)+len(s.NotPrincipal) == 0
}

// allowsOnly reports whether the statement allows no actions except those in the list.
func (s statement) allowsOnly(actions []string) bool {
	if s.Effect == deny {
		return true
	}
	if len(s.NotAction) > 0 || len(s.Action) == 0 {
		return false
	}
	return !slices.ContainsFunc(s.Action, func(action string) bool {
		return !slices.ContainsFunc(actions, func(known string) bool { return strings.EqualFold(known, action) })
	})
}
