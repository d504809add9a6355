package profile

import (
	"errors"
	"slices"
	"testing"
)

func TestSessionPolicies(t *testing.T) {
	f := config(t, `[session-policy both]
policy = {"Statement": [{"Sid": "a # b"}]}
policy_arns = arn:aws:iam::aws:policy/A, arn:aws:iam::aws:policy/B # the second
[session-policy "two words"]
policy = file:///etc/policy.json
[session-policy empty]
region = eu-west-1
[session-policy bad]
policy_arns = A
[session-policy broken]
policy
[profile both]
`)
	p, ok, err := f.SessionPolicy("both")
	if err != nil || !ok || p.Text.Text != `{"Statement": [{"Sid": "a # b"}]}` || p.Text.Origin.Line != 2 || !slices.Equal(p.List(), []string{"arn:aws:iam::aws:policy/A", "arn:aws:iam::aws:policy/B"}) {
		t.Errorf("both is %v %v, %v, %v", p, p.List(), ok, err)
	}
	if p, ok, err := f.SessionPolicy("two words"); err != nil || !ok || p.Text.Text != "file:///etc/policy.json" || len(p.List()) > 0 {
		t.Errorf("two words is %v, %v, %v", p, ok, err)
	}
	if _, ok, err := f.SessionPolicy("none"); ok || err != nil {
		t.Errorf("none is %v, %v", ok, err)
	}
	for name, line := range map[string]int{"empty": 6, "bad": 9} {
		var e *ValueError
		if _, _, err := f.SessionPolicy(name); !errors.As(err, &e) || e.Origin.Line != line {
			t.Errorf("%s: %v", name, err)
		}
	}
	var e *SyntaxError
	if _, _, err := f.SessionPolicy("broken"); !errors.As(err, &e) {
		t.Errorf("broken: %v", err)
	}
	if got := f.SessionPolicies(); !slices.Equal(got, []string{"bad", "both", "broken", "empty", "two words"}) {
		t.Errorf("the names are %q", got)
	}
}
