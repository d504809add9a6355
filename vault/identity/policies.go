package identity

import "strings"

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

func policy(statement object) object {
	return object{{"Version", text("2012-10-17")}, {"Statement", list{statement}}}
}

// trust is who may take on the role: whoever shows a token of the issuer that was made for
// this audience and speaks of this subject, under no other name than the subject's; or whom the
// hub let in, if it knows them by the same name.
//
// A session that has a source identity asks with it ever after, and cannot change it.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-sourceidentity
//
// Tags and source identity need permissions of their own in every role of a chain.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_monitor.html
func (t Template) trust() object {
	action, who := "sts:AssumeRoleWithWebIdentity", member{"Federated", theProvider}
	equal := object{
		{t.host() + ":aud", text(t.Audience)},
		{t.host() + ":sub", text(t.Subject)},
		{"sts:RoleSessionName", text("${" + t.host() + ":sub}")},
	}
	if t.Hub != "" {
		action, who = "sts:AssumeRole", member{"AWS", text(t.Hub)}
		equal = object{{"aws:SourceIdentity", text(t.Subject)}}
		if t.Organization != "" {
			equal = append(equal, member{"aws:PrincipalOrgID", text(t.Organization)})
		}
	}
	return policy(object{
		{"Effect", text("Allow")},
		{"Principal", object{who}},
		{"Action", texts([]string{action, "sts:SetSourceIdentity", "sts:TagSession"})},
		{"Condition", object{{"StringEquals", equal}}},
	})
}

// inline is what the role may do, where no managed policy says it.
func (t Template) inline() object {
	actions, resources := texts(t.Actions), texts(t.Resources)
	if len(t.Accounts) > 0 {
		actions = texts([]string{"sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"})
		for _, account := range t.Accounts {
			resources = append(resources, ofAWS("iam::"+account+":role/"+t.Role))
		}
	}
	if len(actions) == 0 {
		return nil
	}
	return policy(object{{"Effect", text("Allow")}, {"Action", actions}, {"Resource", resources}})
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
