package fakeaws

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
)

func statementOf(fields string) string {
	return `{"Version":"2012-10-17","Statement":[{` + fields + `}]}`
}

func limited(policy string, arns ...string) assumeOption {
	return func(in *sts.AssumeRoleInput) {
		if policy != "" {
			in.Policy = aws.String(policy)
		}
		for _, arn := range arns {
			in.PolicyArns = append(in.PolicyArns, types.PolicyDescriptorType{Arn: aws.String(arn)})
		}
	}
}

const readOnly = "arn:aws:iam::aws:policy/ReadOnlyAccess"

// A role session may do only what both its session policies and the policies of its role allow. The test lets sessions
// assume another role and read IAM.
func TestSessionPolicies(t *testing.T) {
	a := newAWS(t)
	w := a.Example()
	const open, narrow = "arn:aws:iam::123456789012:role/open", "arn:aws:iam::123456789012:role/narrow"
	const own = "arn:aws:iam::123456789012:policy/own"
	a.AddRole(open, Role{Trusts: []string{"*"}})
	a.AddRole(narrow, Role{Trusts: []string{"*"}, Policies: []string{statementOf(`"Effect":"Allow","Action":"iam:*","Resource":"*"`)}})
	if err := a.AddPolicy(own, statementOf(`"Effect":"Allow","Action":"sts:*","Resource":"*"`)); err != nil {
		t.Fatal(err)
	}
	assumeOnly := statementOf(`"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"`)
	for _, test := range []struct {
		name                string
		role                string
		limit               assumeOption
		mayAssume, mayRead  bool
		mayAssumeWithTags   bool
		mayAssumeWithSource bool
	}{
		{"no limit", open, limited(""), true, true, true, true},
		{"assume only", open, limited(assumeOnly), true, false, false, false},
		{"managed", open, limited("", readOnly), false, true, false, false},
		{"managed, China", open, limited("", "arn:aws-cn:iam::aws:policy/ReadOnlyAccess"), false, true, false, false},
		{"both add up", open, limited(assumeOnly, readOnly), true, true, false, false},
		{"own", open, limited("", own), true, false, true, true},
		{"deny wins", open, limited(statementOf(`"Effect":"Deny","Action":"sts:Assume*","Resource":"*"`), "arn:aws:iam::aws:policy/AdministratorAccess"), false, true, true, true},
		{"condition", open, limited(statementOf(`"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}`)), false, false, false, false},
		{"not action", open, limited(statementOf(`"Effect":"Allow","NotAction":"iam:*","Resource":["*"]`)), true, false, true, true},
		{"other resource", open, limited(statementOf(`"Effect":"Allow","Action":"sts:*","Resource":"arn:aws:iam::123456789012:role/none"`)), false, false, false, false},
		{"not resource", open, limited(statementOf(`"Effect":"Allow","Action":"sts:*","NotResource":"arn:aws:iam::123456789012:role/none"`)), true, false, true, true},
		{"under the role", narrow, limited(everything), false, true, false, false},
		{"the role alone", narrow, limited(""), false, true, false, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			keys, err := assume(t, a, static(w.Key), test.role, test.limit)
			wantCode(t, err, "", "")
			is := func(what string, want bool, err error) {
				t.Helper()
				if (err == nil) != want {
					t.Errorf("%s: %v, want allowed %v", what, err, want)
				}
				if err != nil {
					wantCode(t, err, "AccessDenied", "")
				}
			}
			_, err = assume(t, a, keys, open)
			is("assume", test.mayAssume, err)
			_, err = assume(t, a, keys, open, tagged("a", "b"))
			is("tag", test.mayAssume && test.mayAssumeWithTags, err)
			_, err = assume(t, a, keys, open, sourced("alice"))
			is("source identity", test.mayAssume && test.mayAssumeWithSource, err)
			_, err = iamWith(a, keys).GetUser(t.Context(), &iam.GetUserInput{UserName: aws.String("alice")})
			is("read", test.mayRead, err)
			if _, err := whoami(t, a, keys); err != nil {
				t.Errorf("identity: %v", err)
			}
		})
	}
}

func TestPoliciesRefused(t *testing.T) {
	a := newAWS(t)
	w := a.Example()
	var eleven []string
	for range 11 {
		eleven = append(eleven, readOnly)
	}
	if err := a.AddPolicy("arn:aws:iam::210987654321:policy/far", everything); err != nil {
		t.Fatal(err)
	}
	if err := a.AddPolicy("arn:aws:iam::123456789012:policy/bad", "{"); err == nil {
		t.Error("a policy that is not JSON was taken")
	}
	for _, test := range []struct {
		name, code, words string
		limit             assumeOption
	}{
		{"2048 letters", "", "", limited(padded(2048))},
		{"2049 letters", "ValidationError", "'policy'", limited(padded(2049))},
		{"letters beyond Latin 1", "ValidationError", "'policy'", limited(statementOf(`"Sid":"–","Effect":"Allow","Action":"*","Resource":"*"`))},
		{"ten ARNs", "", "", limited("", eleven[:10]...)},
		{"eleven ARNs", "ValidationError", "'policyArns'", limited("", eleven...)},
		{"unknown ARN", "MalformedPolicyDocument", "does not exist", limited("", "arn:aws:iam::aws:policy/NoSuchPolicy")},
		{"another account's ARN", "MalformedPolicyDocument", "not attachable", limited("", "arn:aws:iam::210987654321:policy/far")},
		{"not JSON", "MalformedPolicyDocument", "invalid Json", limited("allow everything")},
		{"two values", "MalformedPolicyDocument", "invalid Json", limited(everything + "{}")},
		{"no statement", "MalformedPolicyDocument", "invalid Json", limited(`{"Version":"2012-10-17"}`)},
		{"unknown field", "MalformedPolicyDocument", "invalid Json", limited(statementOf(`"Effect":"Allow","Action":"*","Resource":"*","Colour":"red"`))},
		{"principal", "MalformedPolicyDocument", "invalid Json", limited(statementOf(`"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"`))},
		{"version", "MalformedPolicyDocument", "version", limited(strings.Replace(everything, "2012", "2013", 1))},
		{"effect", "MalformedPolicyDocument", "Effect", limited(statementOf(`"Effect":"allow","Action":"*","Resource":"*"`))},
		{"no action", "MalformedPolicyDocument", "actions", limited(statementOf(`"Effect":"Allow","Resource":"*"`))},
		{"no resource", "MalformedPolicyDocument", "resources", limited(statementOf(`"Effect":"Allow","Action":"*"`))},
		{"too much in all", "PackedPolicyTooLarge", "%", noisy},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := assume(t, a, static(w.Key), w.ReadOnly, test.limit)
			wantCode(t, err, test.code, test.words)
		})
	}
}

// padded returns a policy with n characters.
func padded(n int) string {
	text := statementOf(`"Sid":"","Effect":"Allow","Action":"*","Resource":"*"`)
	return strings.Replace(text, `"Sid":""`, `"Sid":"`+strings.Repeat("x", n-len(text))+`"`, 1)
}

// noisy adds tags to a request. The tags do not compress well, so they use much of the space for packed tags.
func noisy(in *sts.AssumeRoleInput) {
	source := rand.NewChaCha8([32]byte{1})
	for i := range 50 {
		value := make([]byte, 180)
		source.Read(value)
		tagged(fmt.Sprint("k", i), strings.TrimRight(base64.StdEncoding.EncodeToString(value), "="))(in)
	}
}

func TestWild(t *testing.T) {
	for _, test := range []struct {
		pattern, value string
		want           bool
	}{
		{"", "", true}, {"*", "", true}, {"*", "abc", true}, {"a*c", "abbc", true}, {"a*c", "abbd", false}, {"a?c", "abc", true},
		{"a?c", "ac", false}, {"*b*", "abc", true}, {"*b*", "ac", false}, {"abc", "abcd", false}, {"abcd", "abc", false}, {"a**", "a", true},
		{"*a*b*c", "xxaxxbxxbxxc", true}, {"sts:Assume*", "sts:AssumeRole", true},
	} {
		if got := wild(test.pattern, test.value); got != test.want {
			t.Errorf("wild(%q, %q) = %v", test.pattern, test.value, got)
		}
	}
}

// All built-in policies can be parsed. The test is needed because managedPolicies omits an invalid policy without
// an error.
func TestManagedPoliciesAreRead(t *testing.T) {
	for _, name := range []string{"AdministratorAccess", "PowerUserAccess", "ReadOnlyAccess", "SecurityAudit", "job-function/ViewOnlyAccess"} {
		if len(managedPolicies()["aws:policy/"+name].Statement) != 1 {
			t.Errorf("policy %s was not read", name)
		}
	}
}

// FuzzPolicy encodes each parsed policy and parses the result. It checks that both policies allow the same actions.
func FuzzPolicy(f *testing.F) {
	f.Add(everything)
	f.Add(statementOf(`"Effect":"Deny","NotAction":["sts:*","iam:Get?ser"],"NotResource":"x","Condition":{"Bool":{"a":true}}`))
	f.Add(`{"Statement":{"Effect":"Allow","Action":[],"Resource":"*"}}`)
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parsePolicy(text)
		if err != nil {
			wantRefusal(t, err)
			return
		}
		written, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		again, err := parsePolicy(string(written))
		if err != nil {
			t.Fatalf("%s: %v", written, err)
		}
		for _, action := range []string{"sts:AssumeRole", "iam:GetUser", "sts:TagSession"} {
			if allow([]policy{p}, action, "x") != allow([]policy{again}, action, "x") {
				t.Errorf("%s and %s differ on %s", text, written, action)
			}
		}
	})
}
