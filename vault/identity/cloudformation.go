package identity

import (
	"fmt"
	"strings"
)

// CloudFormation returns the template in YAML. Deploying the template requires CAPABILITY_NAMED_IAM, because it
// names a role. If Hub is set, the template is the same for all accounts, so it is suitable for a stack set.
// CloudFormation fails with an [*IssuerError], a [*TemplateError] or [ErrNoGrant].
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-role.html
func (t Template) CloudFormation() (string, error) {
	t, err := t.validated()
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
		{"Outputs", object{{"RoleARN", object{{"Value", roleARN}}}}},
	})
	return b.String(), nil
}

func (t Template) title() string {
	if t.Hub != "" {
		return "Role for " + t.Subject + ", assumed from " + t.Hub
	}
	return "Role for " + t.Subject + ", with tokens from " + t.Issuer
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

// writeYAML writes a value or a whole document. Every string is in double quotes, because YAML gives some unquoted
// strings another type.
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

// writeYAMLUnder writes a value after its key: objects and lists on new lines, other values on the same line.
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
	if onlyContains(name, alphabet) {
		return name
	}
	return quoted(name)
}

// yamlLeaf returns a string or number in YAML. A literal string may contain ${, because CloudFormation replaces ${ only
// in strings with !Sub.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-sub.html
func yamlLeaf(value any) string {
	switch v := value.(type) {
	case text:
		return quoted(string(v))
	case partitionARN:
		return `!Sub "arn:${AWS::Partition}:` + string(v) + `"`
	case resourceARN:
		return "!GetAtt " + [...]string{providerARN: "Provider", roleARN: "Role"}[v] + ".Arn"
	}
	return fmt.Sprint(value)
}

// quoted returns text in double quotes for YAML, HCL and JSON. The text must not contain a line break.
func quoted(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}
