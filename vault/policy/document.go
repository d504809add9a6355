package policy

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// document is a policy as far as it has to be understood here; the statements keep their text.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
type document struct {
	Version   string            `json:"Version,omitempty"`
	Statement []json.RawMessage `json:"Statement"`
}

// statement is what decides whether statements may be put together.
type statement struct {
	Effect       string
	Action       words
	NotAction    words
	Resource     words
	NotResource  words
	Principal    json.RawMessage
	NotPrincipal json.RawMessage
	Condition    json.RawMessage
}

// words is a text or a list of texts.
type words []string

func (w *words) UnmarshalJSON(data []byte) error {
	if bytes.HasPrefix(data, []byte("[")) {
		return json.Unmarshal(data, (*[]string)(w))
	}
	*w = make(words, 1)
	return json.Unmarshal(data, &(*w)[0])
}

// read takes an inline policy apart. A Statement may stand alone or in a list.
func read(inline string) (document, []statement, error) {
	var raw struct {
		Version   string
		Statement json.RawMessage
	}
	if err := json.Unmarshal([]byte(inline), &raw); err != nil {
		return document{}, nil, unread(err)
	}
	d := document{Version: raw.Version}
	if bytes.HasPrefix(bytes.TrimSpace(raw.Statement), []byte("{")) {
		d.Statement = []json.RawMessage{raw.Statement}
	} else if err := json.Unmarshal(raw.Statement, &d.Statement); err != nil {
		return document{}, nil, unread(err)
	}
	statements := make([]statement, len(d.Statement))
	for i, text := range d.Statement {
		if err := json.Unmarshal(text, &statements[i]); err != nil {
			return document{}, nil, unread(err)
		}
		if e := statements[i].Effect; e != allow && e != deny {
			return document{}, nil, &Error{"a statement whose Effect is neither Allow nor Deny", "one of the two"}
		}
	}
	return d, statements, nil
}

func unread(err error) error {
	return &Error{"not understood (" + err.Error() + ")", "an IAM policy document"}
}

const (
	allow = "Allow"
	deny  = "Deny"
)

// meaning is the version of the language that a document is in: only the newer one knows
// variables.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html
func (d document) meaning() string {
	if d.Version == newVersion {
		return newVersion
	}
	return ""
}

const newVersion = "2012-10-17"

// nameless returns the Deny statements without their Sid, which has to be the only one of its
// name in a document.
func (d document) nameless(statements []statement) ([]json.RawMessage, error) {
	var denied []json.RawMessage
	for i, s := range statements {
		if s.Effect != deny {
			continue
		}
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(d.Statement[i], &fields); err != nil {
			return nil, unread(err)
		}
		delete(fields, "Sid")
		text, err := json.Marshal(fields)
		if err != nil {
			return nil, unread(err)
		}
		denied = append(denied, text)
	}
	return denied, nil
}

// allowsAll reports whether a statement allows every action on everything, whatever else.
func (s statement) allowsAll() bool {
	return s.Effect == allow && slices.Equal(s.Action, []string{"*"}) && slices.Equal(s.Resource, []string{"*"}) &&
		len(s.NotAction)+len(s.NotResource)+len(s.Condition)+len(s.Principal)+len(s.NotPrincipal) == 0
}

// allowsOnly reports whether a statement allows none but these actions.
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
