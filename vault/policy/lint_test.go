package policy

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

const provider = `"Principal":{"Federated":"arn:aws:iam::123456789012:oidc-provider/id.example.com"}`

const companions = `"Action":["sts:AssumeRoleWithWebIdentity","sts:TagSession","sts:SetSourceIdentity"]`

func TestLint(t *testing.T) {
	whole := func(condition string) string {
		return `{"Statement":{"Effect":"Allow",` + provider + `,` + companions + `,"Condition":` + condition + `}}`
	}
	const aud, sub, name = `"id.example.com:aud":"a"`, `"id.example.com:sub":"alice"`, `"sts:RoleSessionName":"${id.example.com:sub}"`
	for _, tt := range []struct{ name, policy, want string }{
		{"all is well", whole(`{"StringEquals":{` + aud + `,` + sub + `,` + name + `}}`), ""},
		{"operators in any case, with a like that has no star", whole(`{"stringlike":{` + aud + `},"ForAnyValue:StringEquals":{"ID.example.com:SUB":["alice","bob"],"STS:rolesessionname":"alice"}}`), ""},
		{"no condition", whole(`{}`), "1 no-audience 1 no-subject"},
		{"conditions that are met without the claim", whole(`{"StringEqualsIfExists":{` + aud + `},"ForAllValues:StringEquals":{` + sub + `},"StringNotEquals":{` + name + `}}`), "1 no-audience 1 no-subject"},
		{"wild", whole(`{"StringLike":{"id.example.com:aud":"*","id.example.com:sub":["*","*@example.com"],"sts:RoleSessionName":"*"}}`), "1 wild-audience 1 wild-subject 1 wild-subject 1 session-name"},
		{"a star that is a letter", whole(`{"StringEquals":{"id.example.com:aud":"*","id.example.com:sub":"*@example.com","sts:RoleSessionName":"${id.example.com:email}"}}`), "1 literal-wildcard 1 literal-wildcard"},
		{"a star that is a letter, in a Deny statement", `{"Statement":{"Effect":"Deny","Principal":"*","Action":"*","Condition":{"StringNotEqualsIfExists":{"aws:PrincipalArn":"arn:aws:iam::123456789012:role/*"},"StringEquals":{"a":"${*}"},"StringLike":{"a":"*"},"ArnEquals":{"a":"*"}}}}`, "1 literal-wildcard"},
		{"a pattern within an owner", whole(`{"StringEquals":{` + aud + `},"StringLike":{"id.example.com:sub":"repo:org/*"}}`), "1 broad-subject"},
		{"a pattern of owners", whole(`{"StringEquals":{` + aud + `},"StringLike":{"id.example.com:sub":["repo:org*","repo:*","?epo:org/app:x","org/*","system:serviceaccount:*"]}}`), "1 wild-subject 1 wild-subject 1 wild-subject 1 wild-subject 1 wild-subject"},
		{"a subject that is no session name", whole(`{"StringEquals":{` + aud + `,"id.example.com:sub":["alice","auth0|bob"]}}`), ""},
		{"a subject that is a session name", whole(`{"StringEquals":{` + aud + `,` + sub + `}}`), "1 session-name"},
		{"a workflow", whole(`{"StringEquals":{` + aud + `},"StringLike":{"id.example.com:job_workflow_ref":"org/app/.github/workflows/a.yml@*"}}`), "1 broad-subject"},
		{"another claim", whole(`{"StringEquals":{` + aud + `,` + sub + `,"sts:RoleSessionName":"${other:sub}"}}`), "1 session-name"},
		{"everybody", `{"Statement":[{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}]}`, "1 anybody 1 no-tags 1 no-source-identity"},
		{"everybody, by a pattern", `{"Statement":[{"Effect":"Allow","Principal":{"AWS":["*"]},"Action":"STS:Assume*"},{"Effect":"Allow","Principal":"*","Action":["sts:t?gsession","sts:S*"]}]}`, "1 anybody"},
		{"everybody of an organisation", `{"Statement":[{"Effect":"Allow","Principal":"*","NotAction":"s3:*","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-1"}}}]}`, "1 anybody"},
		{"a role, and its companions elsewhere", `{"Statement":[{"Effect":"Allow","Principal":{"AWS":"a"},"Action":"sts:AssumeRole"},{"Effect":"Allow","Principal":{"AWS":["b","a"]},"Action":["sts:TagSession","sts:SetSourceIdentity"]}]}`, ""},
		{"companions of another", `{"Statement":[{"Effect":"Allow","Principal":{"AWS":"a"},"Action":"sts:AssumeRole"},{"Effect":"Allow","Principal":{"AWS":"b"},"Action":["sts:TagSession","sts:SetSourceIdentity"]}]}`, "1 no-tags 1 no-source-identity"},
		{"companions that are denied", `{"Statement":[{"Effect":"Allow","Principal":{"AWS":"a"},"Action":"sts:AssumeRole"},{"Effect":"Deny","Principal":{"AWS":"a"},"Action":"sts:*"}]}`, "1 no-tags 1 no-source-identity"},
		{"all but", `{"Statement":[{"Effect":"Allow","NotPrincipal":{"AWS":"a"},"Action":"sts:TagSession"}]}`, "1 not-principal"},
		{"the issuer as a URL", strings.ReplaceAll(whole(`{}`), "/id.example", "/https://id.example"), "1 issuer 1 no-audience 1 no-subject"},
		{"numbers and truth", `{"Statement":[{"Effect":"Allow","Principal":"*","Action":"sts:*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":true},"NumericLessThan":{"aws:MultiFactorAuthAge":[60]}}}]}`, "1 anybody"},
		{"a service", `{"Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"]}]}`, ""},
	} {
		found, err := Lint([]byte(tt.policy))
		var got []string
		for _, f := range found {
			got = append(got, fmt.Sprintf("%d %s", f.Statement, f.Rule))
			if f.Text == "" {
				t.Errorf("%s has no text: %s", tt.name, f.Rule)
			}
		}
		if err != nil || strings.Join(got, " ") != tt.want {
			t.Errorf("%s: found %q, %v, want %q", tt.name, strings.Join(got, " "), err, tt.want)
		}
	}
}

func TestLintRefuses(t *testing.T) {
	for _, text := range []string{
		"", "[]", "{}", `{"Statement":7}`, `{"Statement":[{"Effect":"Maybe"}]}`, `{"Statement":{"Effect":"Allow","Principal":7}}`,
		`{"Statement":{"Effect":"Allow","Condition":{"StringEquals":7}}}`, `{"Statement":{"Effect":"Allow","Condition":{"StringEquals":{"a":[{}]}}}}`, strings.Repeat(" ", maxTrust+1),
	} {
		var bad *Error
		if found, err := Lint([]byte(text)); !errors.As(err, &bad) || !strings.HasPrefix(err.Error(), "trust policy is ") {
			t.Errorf("%.40q: %v, %v", text, found, err)
		}
	}
}

// Lint finds nothing in the trust policies that this package writes, except a pattern that the caller chose.
func TestLintAcceptsOwnTrustPolicies(t *testing.T) {
	for _, trust := range []Trust{
		{Principal: "arn:aws:iam::123456789012:oidc-provider/id.example.com/alice", Audience: "a", Subject: "alice", SessionName: "alice", RolePin: true},
		{Principal: "arn:aws:iam::123456789012:oidc-provider/id.example.com", Audience: "a", Subject: "repo:org/app:x", SessionName: "aws-vault-alice"},
		{Principal: "rolesanywhere.amazonaws.com", TrustAnchor: "arn:aws:rolesanywhere:eu-west-1:123456789012:trust-anchor/a"},
		{Principal: "arn:aws:iam::123456789012:user/alice", Tags: true, SourceIdentity: true, MFA: true, MFAMaxAge: time.Hour, ExternalID: "x"},
		{Principal: "arn:aws:iam::123456789012:root", ARNLike: "arn:aws:iam::*", Tags: true, SourceIdentity: true, SessionName: "${aws:username}"},
	} {
		text, err := trust.Document()
		if err != nil {
			t.Fatal(err)
		}
		if found, err := Lint([]byte(text)); err != nil || len(found) > 0 {
			t.Errorf("%s\n%v, %v", text, found, err)
		}
	}
}

// The trust policy compares a pattern for subjects with StringLike. So Lint reports that the pattern is too wide,
// but no wildcard that AWS compares as an ordinary character.
func TestTrustWithPattern(t *testing.T) {
	text, err := Trust{Principal: "arn:aws:iam::123456789012:oidc-provider/id.example.com", Audience: "a", Subject: "*@example.com", SessionName: "*@example.com"}.Document()
	if err != nil {
		t.Fatal(err)
	}
	found, err := Lint([]byte(text))
	if err != nil || len(found) != 1 || found[0].Rule != "wild-subject" || found[0].Severity != Failure {
		t.Errorf("%s\n%v, %v", text, found, err)
	}
}

func FuzzLint(f *testing.F) {
	f.Add(`{"Statement":{"Effect":"Allow",` + provider + `,` + companions + `,"Condition":{"StringLike":{"id.example.com:sub":"*a*b*c*"}}}}`)
	f.Add(`{"Statement":[{"Effect":"Allow","Principal":"*","Action":"*s*t*s*"}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		found, err := Lint([]byte(text))
		var bad *Error
		if err != nil && (!errors.As(err, &bad) || len(found) > 0) {
			t.Errorf("%q: %v, %v", text, found, err)
		}
	})
}

// TestWildcardNamesItsClaim checks that a finding about a wildcard names the claim that has the wildcard. Google's tokens
// have two claims with an audience.
func TestWildcardNamesItsClaim(t *testing.T) {
	text := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Federated":"accounts.google.com"},"Action":"sts:AssumeRoleWithWebIdentity",` +
		`"Condition":{"StringEquals":{"accounts.google.com:aud":"1","accounts.google.com:sub":"1"},"StringLike":{"accounts.google.com:oaud":"*"}}}]}`
	findings, err := Lint([]byte(text))
	if err != nil || len(findings) == 0 || !strings.HasPrefix(findings[0].Text, "accounts.google.com:oaud is ") {
		t.Errorf("got %+v, %v, want the first finding to be about oaud", findings, err)
	}
}
