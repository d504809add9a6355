package policy

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
)

const readOnly = "arn:aws:iam::aws:policy/ReadOnlyAccess"

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		arns       []string
		inline     string
		want       string // part of the expected error
	}{
		{name: "nothing"},
		{name: "white space goes", text: "{ \"Statement\" :\n[ { \"Sid\": \"a b\" } ] }", inline: `{"Statement":[{"Sid":"a b"}]}`},
		{name: "escapes stay", text: `{"Statement": "a\" \\"}`, inline: `{"Statement":"a\" \\"}`},
		{name: "managed", arns: []string{readOnly}},
		{name: "not JSON", text: "{", want: "expected an IAM policy document"},
		{name: "a list", text: "[]", want: "expected an IAM policy document"},
		{name: "no statement", text: `{"Version":"2012-10-17"}`, want: "without a Statement"},
		{name: "characters", text: `{"Statement":"€"}`, want: "U+00FF"},
		{name: "size", text: `{"Statement":"` + strings.Repeat("x", MaxInline) + `"}`, want: "2064 characters long"},
		{name: "size with ARNs", text: `{"Statement":"` + strings.Repeat("x", 2000) + `"}`, arns: []string{readOnly}, want: "at most 2048"},
		{name: "not an ARN", arns: []string{"ReadOnlyAccess"}, want: "ARN of a managed policy"},
		{name: "another ARN", arns: []string{"arn:aws:iam::123456789012:role/x"}, want: "ARN of a managed policy"},
		{name: "too many", arns: make([]string, 11), want: "at most 10"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := Parse(tt.text, tt.arns)
			if tt.want != "" {
				var e *Error
				if !errors.As(err, &e) || !strings.Contains(err.Error(), tt.want) {
					t.Fatalf("error %v, want one with %q", err, tt.want)
				}
				return
			}
			if err != nil || p.Inline != tt.inline || !reflect.DeepEqual(p.ARNs, tt.arns) {
				t.Fatalf("got %+v, %v", p, err)
			}
			if p.IsZero() != (tt.text == "" && tt.arns == nil) {
				t.Errorf("IsZero is %v", p.IsZero())
			}
		})
	}
}

// Parse does not change the meaning of a policy, and parsing the result again does not change it.
func FuzzParse(f *testing.F) {
	f.Add(`{"Statement": [ ]}`)
	f.Add(`{"Statement":"\u00e9 é \\\" "}`)
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Parse(text, nil)
		var e *Error
		if err != nil {
			if !errors.As(err, &e) {
				t.Fatalf("error %T is not an error of this package", err)
			}
			return
		}
		if p.IsZero() {
			return
		}
		var was, is any
		if json.Unmarshal([]byte(text), &was) != nil || json.Unmarshal([]byte(p.Inline), &is) != nil || !reflect.DeepEqual(was, is) {
			t.Fatalf("%q became %q", text, p.Inline)
		}
		if again, err := Parse(p.Inline, nil); err != nil || again.Inline != p.Inline {
			t.Fatalf("%q read again: %q, %v", p.Inline, again.Inline, err)
		}
	})
}
