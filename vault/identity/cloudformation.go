package identity

import (
	"fmt"
	"strings"
)

// CloudFormation writes the template in YAML. It names a role, so that deploying it needs
// CAPABILITY_NAMED_IAM; the one of a role that a hub leads to is the same for all accounts, as
// stack sets want it. It fails with an [*IssuerError], a [*TemplateError] or [ErrNoGrant].
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-role.html
func (t Template) CloudFormation() (string, error) {
	t, err := t.checked()
	if err != nil {
		return "", err
	}
	var resources object
	if t.Hub == "" {
		resources = object{{"Provider", object{
			{"Type", text("AWS::IAM::OIDCProvider")},
			{"Properties", object{{"Url", text(t.Issuer)}, {"ClientIdList", list{text(t.Audience)}}}},
		}}}
	}
	var b strings.Builder
	writeYAML(&b, "", object{
		{"AWSTemplateFormatVersion", text("2010-09-09")},
		{"Description", text(t.title())},
		{"Resources", append(resources, member{"Role", object{
			{"Type", text("AWS::IAM::Role")},
			{"Properties", t.roleProperties()},
		}})},
		{"Outputs", object{{"RoleARN", object{{"Value", theRole}}}}},
	})
	return b.String(), nil
}

func (t Template) title() string {
	if t.Hub != "" {
		return "A role for " + t.Subject + ", to whom " + t.Hub + " leads"
	}
	return "A role for " + t.Subject + ", who signs as " + t.Issuer
}

func (t Template) roleProperties() object {
	p := object{
		{"RoleName", text(t.Role)},
		{"MaxSessionDuration", int(t.MaxSession.Seconds())},
		{"AssumeRolePolicyDocument", t.trust()},
	}
	if m := t.managed(); m != nil {
		p = append(p, member{"ManagedPolicyArns", m})
	}
	if i := t.inline(); i != nil {
		p = append(p, member{"Policies", list{object{{"PolicyName", text(t.Role)}, {"PolicyDocument", i}}}})
	}
	return p
}

// writeYAML writes what stands under a key, or the document as a whole. Every text is between
// double quotes: outside of them YAML reads some texts as something else.
// https://yaml.org/spec/1.2.2/#731-double-quoted-style
func writeYAML(b *strings.Builder, indent string, value any) {
	switch v := value.(type) {
	case object:
		for i, m := range v {
			if i > 0 {
				b.WriteString(indent)
			}
			b.WriteString(yamlKey(m.name) + ":")
			writeYAMLUnder(b, indent, m.value)
		}
	case list:
		for i, item := range v {
			if i > 0 {
				b.WriteString(indent)
			}
			b.WriteString("- ")
			writeYAML(b, indent+"  ", item)
		}
	default:
		b.WriteString(yamlLeaf(v) + "\n")
	}
}

// writeYAMLUnder writes a value after its key, on the same line if it is a leaf.
func writeYAMLUnder(b *strings.Builder, indent string, value any) {
	switch value.(type) {
	case object, list:
		indent += "  "
		b.WriteString("\n" + indent)
	default:
		b.WriteString(" ")
	}
	writeYAML(b, indent, value)
}

func yamlKey(name string) string {
	if of(name, alphabet) {
		return name
	}
	return quoted(name)
}

// yamlLeaf writes text as it is: only what !Sub stands before is looked through for ${.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-sub.html
func yamlLeaf(value any) string {
	switch v := value.(type) {
	case text:
		return quoted(string(v))
	case ofAWS:
		return `!Sub "arn:${AWS::Partition}:` + string(v) + `"`
	case ownARN:
		return "!GetAtt " + [...]string{theProvider: "Provider", theRole: "Role"}[v] + ".Arn"
	}
	return fmt.Sprint(value)
}

// quoted writes text that is on one line between double quotes, as YAML and HCL have them.
func quoted(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}
