package policy

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"aws-vault/vault/ascii"
	"aws-vault/vault/partition"
)

// maxTrust is the maximum size in bytes of a trust policy that Lint reads. IAM allows only 4096 characters.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const maxTrust = 64 << 10

// A Severity says how serious a [Finding] is.
type Severity string

// The severities.
const (
	Failure Severity = "error"   // somebody else than intended can assume the role
	Warning Severity = "warning" // a condition does not do what it seems to do, or callers cannot be told apart
	Advice  Severity = "advice"  // AWS refuses calls with session tags or a source identity, which many roles do not need
)

// A Finding is a problem in a role's trust policy.
type Finding struct {
	Statement int // number of the statement, from 1
	Severity  Severity
	Rule      string // short name of the rule, which never changes
	Text      string
}

// Lint checks a role's trust policy and returns its problems in the order of the statements. It
// fails with an *[Error] if text is not a trust policy.
func Lint(text []byte) ([]Finding, error) {
	found, err := lint(text)
	var bad *Error
	if errors.As(err, &bad) {
		bad.Trust = true
	}
	return found, err
}

func lint(text []byte) ([]Finding, error) {
	if len(text) > maxTrust {
		return nil, invalid(fmt.Sprintf("%d bytes long", len(text)), fmt.Sprintf("at most %d", maxTrust))
	}
	var d struct{ Statement json.RawMessage }
	if err := json.Unmarshal(text, &d); err != nil {
		return nil, parseError(err)
	}
	if len(d.Statement) == 0 {
		return nil, invalid("a document without a Statement", "the trust policy of a role")
	}
	statements := make([]trustStatement, 1)
	into := any(&statements[0])
	if d.Statement[0] == '[' {
		into = &statements
	}
	if err := json.Unmarshal(d.Statement, into); err != nil {
		return nil, parseError(err)
	}
	var l linter
	for i, s := range statements {
		if s.Effect != allow && s.Effect != deny {
			return nil, invalid("a statement with an Effect other than Allow or Deny", "Allow or Deny")
		}
		l.number = i + 1
		l.checkWildcards(s)
		if s.Effect == allow {
			l.checkStatement(s, statements)
		}
	}
	return l.found, nil
}

// A linter collects findings.
type linter struct {
	found  []Finding
	number int
}

func (l *linter) report(severity Severity, rule, format string, args ...any) {
	l.found = append(l.found, Finding{l.number, severity, rule, fmt.Sprintf(format, args...)})
}

const (
	assumeRole          = "sts:AssumeRole"
	assumeRoleWithSAML  = "sts:AssumeRoleWithSAML"
	assumeRoleWithToken = "sts:AssumeRoleWithWebIdentity"
)

func (l *linter) checkStatement(s trustStatement, all []trustStatement) {
	role, token := s.covers(assumeRole), s.covers(assumeRoleWithToken)
	if len(s.NotPrincipal) > 0 {
		l.report(Failure, "not-principal", "NotPrincipal trusts every principal that it does not name")
	}
	l.checkAnybody(s)
	for _, provider := range s.Principal["Federated"] {
		if token {
			l.checkProvider(s, provider)
		}
	}
	if role || token {
		l.checkExtraActions(s, all)
	}
}

// checkAnybody checks a statement whose principal is "*".
func (l *linter) checkAnybody(s trustStatement) {
	if !slices.Contains(s.Principal["AWS"], "*") {
		return
	}
	switch {
	case s.covers(assumeRole) && !s.limitsCaller():
		l.report(Failure, "anybody", `the principal is "*", and no condition limits the caller to an account, an organization or a principal: `+
			"anyone with an AWS account can assume the role")
	case s.covers(assumeRoleWithToken):
		l.report(Failure, "anybody", `the principal is "*", expected the ARN of one OIDC provider`)
	case s.covers(assumeRoleWithSAML):
		l.report(Failure, "anybody", `the principal is "*", expected the ARN of one SAML provider`)
	}
}

// callerKeys are the condition keys that limit who the caller is or which network the call comes from. Each key has a
// function that returns the part of a value that must not contain wildcards.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
var callerKeys = []struct {
	key  string
	part func(value string) string
}{
	{"aws:PrincipalOrgID", wholeValue},
	{"aws:PrincipalOrgPaths", firstField},
	{"aws:PrincipalAccount", wholeValue},
	{"aws:PrincipalArn", accountField},
	{"aws:userid", firstField},
	{"aws:SourceVpc", wholeValue},
	{"aws:SourceVpce", wholeValue},
}

func wholeValue(value string) string { return value }

// firstField returns the value before its first slash or colon.
func firstField(value string) string {
	if i := strings.IndexAny(value, "/:"); i >= 0 {
		return value[:i]
	}
	return value
}

// accountField returns the account in the ARN, or "*" if the ARN has no account.
func accountField(arn string) string {
	return cmp.Or(partition.AccountOf(arn), "*")
}

// limitsCaller reports whether a condition limits the statement to callers that the policy's author chose. A
// condition on the external ID does not count, because AWS does not treat that ID as a secret.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_common-scenarios_third-party.html
func (s trustStatement) limitsCaller() bool {
	for _, k := range callerKeys {
		values := s.condition(k.key)
		if len(values) > 0 && !slices.ContainsFunc(values, func(c comparison) bool { return c.isWildcard() && strings.ContainsAny(k.part(c.value), "*?") }) {
			return true
		}
	}
	return false
}

// checkWildcards reports wildcards that AWS compares as ordinary characters. The policy variable ${*} stands for
// an ordinary asterisk and is not reported.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
func (l *linter) checkWildcards(s trustStatement) {
	for _, operator := range slices.Sorted(maps.Keys(s.Condition)) {
		if !strings.Contains(strings.ToLower(operator), "string") || strings.Contains(strings.ToLower(operator), "like") {
			continue
		}
		keys := s.Condition[operator]
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			for _, value := range keys[key] {
				if strings.Contains(strings.ReplaceAll(value, "${*}", ""), "*") {
					l.report(Warning, "literal-wildcard", "%s does not treat * or ? in %q as a wildcard; expected StringLike or StringNotLike for %s", operator, value, key)
				}
			}
		}
	}
}

// builtInProviders are the providers that IAM knows without an OIDC provider in the account, with the claims that
// name the application for which a token was issued. A role for such a provider trusts all users of that
// application.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-wif
var builtInProviders = []struct {
	name   string
	claims []string
}{
	{"cognito-identity.amazonaws.com", []string{"aud"}},
	{"accounts.google.com", []string{"aud", "oaud"}},
	{"www.amazon.com", []string{"app_id"}},
	{"graph.facebook.com", []string{"app_id"}},
}

// audienceProviders are the OIDC providers whose audience names the customer, so that AWS requires no condition on the
// subject.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_oidc_secure-by-default.html
var audienceProviders = []string{"api.pulumi.com/oidc", "sandboxes.cloud", "oidc.vercel.com"}

// checkProvider checks the conditions for tokens of one OIDC provider.
func (l *linter) checkProvider(s trustStatement, provider string) {
	for _, p := range builtInProviders {
		if p.name == provider {
			l.checkAudience(s, provider, p.claims)
			return
		}
	}
	_, issuer, ok := strings.Cut(provider, ":oidc-provider/")
	if !ok {
		return
	}
	if strings.Contains(issuer, "://") {
		l.report(Warning, "issuer", "the provider is %q, expected the issuer without https://", issuer)
	}
	l.checkAudience(s, issuer, []string{"aud", "oaud"})
	if !slices.Contains(audienceProviders, issuer) {
		l.checkSubject(s, issuer)
	}
}

// checkAudience checks whether a condition on one of these claims names the audience of the tokens.
func (l *linter) checkAudience(s trustStatement, issuer string, claims []string) {
	found := false
	for _, claim := range claims {
		for _, c := range s.condition(issuer + ":" + claim) {
			found = true
			if c.isWildcard() {
				l.report(Failure, "wild-audience", "%s:%s is %q, expected one audience without wildcards", issuer, claim, c.value)
			}
		}
	}
	if !found {
		l.report(Failure, "no-audience", "no condition on %s:%s: tokens that were issued for other programs are accepted too", issuer, claims[0])
	}
}

// checkSubject checks whether the conditions name the subjects of tokens. A condition on the claim for a GitHub
// workflow is as good as a condition on the subject. checkSubject also requires that the session name is checked,
// but only if AWS accepts the subjects as session names.
func (l *linter) checkSubject(s trustStatement, issuer string) {
	subjects := s.condition(issuer + ":sub")
	claim := issuer + ":sub"
	if len(subjects) == 0 {
		claim = issuer + ":job_workflow_ref"
		subjects = s.condition(claim)
	}
	if len(subjects) == 0 {
		l.report(Failure, "no-subject", "no condition on %s:sub: every user of the provider can assume the role", issuer)
		return
	}
	legalNames := true
	for _, c := range subjects {
		legalNames = legalNames && isSessionName(strings.NewReplacer("*", "xx", "?", "x").Replace(c.value))
		switch {
		case !c.isWildcard():
		case !namesOwner(c.prefix()):
			l.report(Failure, "wild-subject", "%s is %q: every user with a matching value can assume the role, and the provider decides who gets such a value", claim, c.value)
		default:
			l.report(Warning, "broad-subject", "%s is %q: every token whose value begins with %q can assume the role", claim, c.value, c.prefix())
		}
	}
	if legalNames && !s.pinsName(issuer) {
		l.report(Warning, "session-name", `the session name is not checked, so one user can make calls under another user's name; expected StringEquals "sts:RoleSessionName": "${%s:sub}"`, issuer)
	}
}

// namesOwner reports whether the text before a subject's first wildcard names an owner at the provider, so that only
// this owner decides who gets a matching subject. Subjects consist of parts, such as repo:OWNER/REPOSITORY:ref:REF. The
// first part is a kind, and the second part is the owner. A Kubernetes subject begins with two parts that are the same
// for all service accounts. A Bitbucket subject begins with the repository in braces.
func namesOwner(prefix string) bool {
	end := strings.LastIndexAny(prefix, ":/")
	if end < 0 {
		return false
	}
	if strings.HasPrefix(prefix, "{") {
		return true
	}
	least := 2
	if strings.HasPrefix(prefix, "system:serviceaccount:") {
		least = 3
	}
	parts := strings.FieldsFunc(prefix[:end], func(r rune) bool { return r == ':' || r == '/' })
	return len(parts) >= least
}

// isSessionName reports whether AWS accepts name as a role session name.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
func isSessionName(name string) bool {
	return len(name) >= 2 && len(name) <= 64 && !strings.ContainsFunc(name, func(r rune) bool {
		return !ascii.IsAlphanumeric(r) && !strings.ContainsRune("_=,.@+-", r)
	})
}

// checkExtraActions checks whether calls with session tags or a source identity are allowed. Session tags need the
// action sts:TagSession, and a source identity needs sts:SetSourceIdentity. Any statement for the same principal
// can allow these actions. AWS services send neither, unless their documentation says so.
func (l *linter) checkExtraActions(s trustStatement, all []trustStatement) {
	if len(s.Principal) == 1 && len(s.Principal["Service"]) > 0 {
		return
	}
	for _, need := range []struct{ action, rule, carries string }{
		{"sts:TagSession", "no-tags", "session tags"},
		{"sts:SetSourceIdentity", "no-source-identity", "a source identity"},
	} {
		if !slices.ContainsFunc(all, func(t trustStatement) bool { return t.Effect == allow && t.covers(need.action) && t.sharesPrincipal(s) }) {
			l.report(Advice, need.rule, "%s is not allowed for the principal that can assume the role: AWS refuses calls with %s", need.action, need.carries)
		}
	}
}

// pinsName reports whether the statement allows only certain session names: the token's subject or email,
// or fixed names.
func (s trustStatement) pinsName(issuer string) bool {
	names := s.condition("sts:RoleSessionName")
	return len(names) > 0 && !slices.ContainsFunc(names, func(t comparison) bool {
		return t.isWildcard() || strings.Contains(t.value, "${") && t.value != "${"+issuer+":sub}" && t.value != "${"+issuer+":email}"
	})
}
