package identity

import (
	"strings"

	"aws-vault/vault/policy"
)

// The policies of a template are written in two languages, so they are trees first: of
// objects, lists, numbers and these leaves.
type (
	object []member
	member struct {
		name  string
		value any
	}
	list []any

	text   string // as it is
	ofAWS  string // an ARN without arn: and the partition that it is used in; it needs no escaping
	ownARN int    // of what the template makes
)

const (
	theProvider ownARN = iota
	theRole
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

// trust is who may take on the role: whoever shows a token of the issuer that was made for
// this audience and speaks of this subject, under no other name than the subject's; or whom the
// hub let in, if it knows them by the same name.
func (t Template) trust() object {
	if t.Hub != "" {
		s := t.hubStatement()
		return trustDocument(s, text(s.Principal.ARN))
	}
	trust := policy.Trust{Audience: t.Audience, Subject: t.Subject, SessionName: t.Subject}
	return trustDocument(trust.TokenStatement(t.host()), theProvider)
}

// hubStatement lets in whom the hub let in.
//
// A session that has a source identity asks with it ever after, and cannot change it.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-sourceidentity
//
// Tags and source identity need permissions of their own in every role of a chain.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_monitor.html
func (t Template) hubStatement() policy.Statement {
	conditions := []policy.Condition{{Operator: "StringEquals", Key: "aws:SourceIdentity", Value: t.Subject}}
	if t.Organization != "" {
		conditions = append(conditions, policy.Condition{Operator: "StringEquals", Key: "aws:PrincipalOrgID", Value: t.Organization})
	}
	return policy.Statement{Principal: policy.Principal{Kind: "AWS", ARN: t.Hub}, Actions: chained, Conditions: conditions}
}

// chained are the actions by which a session with tags and a source identity assumes a role.
var chained = []string{"sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"}

// trustDocument is the tree of a trust policy whose principal is written as this value.
func trustDocument(s policy.Statement, principal any) object {
	var equal object
	for _, c := range s.Conditions { // all of them are StringEquals
		equal = append(equal, member{c.Key, text(c.Value)})
	}
	return document(object{
		{"Effect", text("Allow")},
		{"Principal", object{{s.Principal.Kind, principal}}},
		{"Action", texts(s.Actions)},
		{"Condition", object{{"StringEquals", equal}}},
	})
}

// inline is what the role may do, where no managed policy says it.
func (t Template) inline() object {
	actions, resources := texts(t.Actions), texts(t.Resources)
	if len(t.Accounts) > 0 {
		actions = texts(chained)
		for _, account := range t.Accounts {
			resources = append(resources, ofAWS("iam::"+account+":role/"+t.Role))
		}
	}
	if len(actions) == 0 {
		return nil
	}
	return document(object{{"Effect", text("Allow")}, {"Action", actions}, {"Resource", resources}})
}

// managed are the ARNs of the managed policies.
func (t Template) managed() list {
	var l list
	for _, name := range t.Managed {
		if strings.HasPrefix(name, "arn:") {
			l = append(l, text(name))
		} else {
			l = append(l, ofAWS("iam::aws:policy/"+name))
		}
	}
	return l
}
