package identity

import (
	"strings"
	"unicode/utf8"

	"aws-vault/vault/policy"
)

// A template is printed in YAML or HCL. Its values are built first, in a form that does not depend on the format:
// objects, lists, numbers, and the types below.
type (
	object []member
	member struct {
		name  string
		value any
	}
	list []any

	text         string // a literal string
	partitionARN string // an ARN without "arn:PARTITION:", and without characters that must be escaped
	resourceARN  int    // a reference to the ARN of a resource in the template
)

const (
	providerARN resourceARN = iota
	roleARN
)

func texts(all []string) list {
	var l list
	for _, s := range all {
		l = append(l, text(s))
	}
	return l
}

func document(statement object) object {
	return object{{"Version", text("2012-10-17")}, {"Statement", list{statement}}}
}

// trust returns the role's trust policy. Without a hub, it trusts tokens of the issuer with this audience and
// subject, and requires the subject as the session name. With a hub, it trusts the hub's role if the session's
// source identity is the subject.
func (t Template) trust() object {
	if t.Hub != "" {
		s := t.hubStatement()
		return trustDocument(s, text(s.Principal.ARN))
	}
	trust := policy.Trust{Audience: t.Audience, Subject: t.Subject, SessionName: t.Subject, RolePin: true}
	return trustDocument(trust.TokenStatement(t.host()), providerARN)
}

// hubStatement returns the statement that lets the hub's role assume this role, but only in sessions whose source
// identity is the identity's subject.
//
// A session's source identity is part of all its requests, and cannot be changed.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-sourceidentity
//
// Each role in a chain must also allow session tags and the source identity.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_monitor.html
func (t Template) hubStatement() policy.Statement {
	conditions := []policy.Condition{{Operator: "StringEquals", Key: "aws:SourceIdentity", Value: t.Subject}}
	if t.Organization != "" {
		conditions = append(conditions, policy.Condition{Operator: "StringEquals", Key: "aws:PrincipalOrgID", Value: t.Organization})
	}
	return policy.Statement{Principal: policy.Principal{Kind: "AWS", ARN: t.Hub}, Actions: chainActions, Conditions: conditions}
}

// chainActions lists the actions that are needed to assume a role from a session with tags and a source identity.
var chainActions = []string{"sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"}

// trustDocument returns a trust policy with the statement s. The argument principal is the ARN of the statement's
// principal, in the form of a template value.
func trustDocument(s policy.Statement, principal any) object {
	var conditions object
	for _, c := range s.Conditions { // conditions with the same operator are next to each other
		if n := len(conditions); n == 0 || conditions[n-1].name != c.Operator {
			conditions = append(conditions, member{c.Operator, object{}})
		}
		last := &conditions[len(conditions)-1]
		last.value = append(last.value.(object), member{c.Key, text(c.Value)})
	}
	return document(object{
		{"Effect", text("Allow")},
		{"Principal", object{{s.Principal.Kind, principal}}},
		{"Action", texts(s.Actions)},
		{"Condition", conditions},
	})
}

// inline returns the role's inline policy, or nil if the role has only managed policies.
func (t Template) inline() object {
	actions, resources := texts(t.Actions), texts(t.Resources)
	if len(t.Accounts) > 0 {
		actions = texts(chainActions)
		for _, account := range t.Accounts {
			resources = append(resources, partitionARN("iam::"+account+":role/"+t.Role))
		}
	}
	if len(actions) == 0 {
		return nil
	}
	return document(object{{"Effect", text("Allow")}, {"Action", actions}, {"Resource", resources}})
}

// managed returns the ARNs of the role's managed policies.
func (t Template) managed() list {
	var l list
	for _, name := range t.Managed {
		if strings.HasPrefix(name, "arn:") {
			l = append(l, text(name))
		} else {
			l = append(l, partitionARN("iam::aws:policy/"+name))
		}
	}
	return l
}

// size returns the number of characters of a policy in JSON, without white space. The account's partition is not
// known, so size uses the shortest one, aws. With a longer one, some templates would be refused although IAM
// accepts their policies.
func (t Template) size(policy any) int {
	n := len("[]")
	switch v := policy.(type) {
	case object:
		for _, m := range v {
			n += t.size(text(m.name)) + len(":") + t.size(m.value)
		}
		return n + max(len(v)-1, 0)*len(",")
	case list:
		for _, item := range v {
			n += t.size(item)
		}
		return n + max(len(v)-1, 0)*len(",")
	case text:
		return utf8.RuneCountInString(quoted(strings.ReplaceAll(string(v), " ", "")))
	case partitionARN:
		return t.size(text("arn:aws:" + v))
	}
	// The only reference in a policy is the provider's ARN.
	return t.size(text("arn:aws:iam::123456789012:oidc-provider/" + t.host()))
}
