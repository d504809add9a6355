package identity

import (
	"fmt"
	"strings"
)

// Terraform writes the template in HCL. What it declares is named after the identity, so that
// the templates of several people fit into one module. It fails with an [*IssuerError], a
// [*TemplateError] or [ErrNoGrant].
// https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/iam_role
func (t Template) Terraform() (string, error) {
	t, err := t.checked()
	if err != nil {
		return "", err
	}
	w := hcl{label: localName(t.Name)}
	w.line("# %s.", t.title())
	if t.partitioned() {
		w.block(`data "aws_partition"`)
	}
	if t.Hub == "" {
		w.block(`resource "aws_iam_openid_connect_provider"`,
			member{"url", text(t.Issuer)},
			member{"client_id_list", list{text(t.Audience)}})
	}
	w.block(`resource "aws_iam_role"`,
		member{"name", text(t.Role)},
		member{"max_session_duration", int(t.MaxSession.Seconds())},
		member{"assume_role_policy", encoded(t.trust())})
	if m := t.managed(); m != nil {
		w.block(`resource "aws_iam_role_policy_attachment"`,
			member{"for_each", set(m)},
			member{"role", code("aws_iam_role." + w.label + ".name")},
			member{"policy_arn", code("each.value")})
	}
	if i := t.inline(); i != nil {
		w.block(`resource "aws_iam_role_policy"`,
			member{"name", text(t.Role)},
			member{"role", code("aws_iam_role." + w.label + ".name")},
			member{"policy", encoded(i)})
	}
	w.line("\noutput %q {\n  value = %s\n}", w.label+"_role_arn", w.value("  ", theRole))
	return w.b.String(), nil
}

// partitioned reports whether an ARN in the template begins with the partition it is used in.
func (t Template) partitioned() bool {
	for _, m := range t.managed() {
		if _, is := m.(ofAWS); is {
			return true
		}
	}
	return len(t.Accounts) > 0
}

// localName is what Terraform lets a resource be called.
// https://developer.hashicorp.com/terraform/language/syntax/configuration#identifiers
func localName(name string) string {
	name = strings.Map(func(r rune) rune {
		if strings.ContainsRune(alphabet, r) {
			return r
		}
		return '_'
	}, name)
	if name == "" || strings.ContainsRune(digits, rune(name[0])) {
		return "_" + name
	}
	return name
}

// Values that only HCL has.
type (
	code    string // as it is, without quotes
	encoded object // as JSON
	set     list
)

// hcl writes blocks that all have one label, laid out as terraform fmt does it.
type hcl struct {
	b     strings.Builder
	label string
}

func (w *hcl) line(format string, args ...any) { fmt.Fprintf(&w.b, format+"\n", args...) }

func (w *hcl) block(kind string, members ...member) {
	if len(members) == 0 {
		w.line("\n%s %q {}", kind, w.label)
		return
	}
	w.line("\n%s %q {\n%s}", kind, w.label, w.members("  ", members))
}

// members writes one line for each member, or more. The equals signs of members that follow
// each other on one line each stand below one another.
func (w *hcl) members(indent string, members object) string {
	var out strings.Builder
	var run [][2]string
	flush := func() {
		width := 0
		for _, m := range run {
			width = max(width, len(m[0]))
		}
		for _, m := range run {
			fmt.Fprintf(&out, "%s%-*s = %s\n", indent, width, m[0], m[1])
		}
		run = nil
	}
	for _, m := range members {
		name, value := m.name, w.value(indent, m.value)
		if !of(name, alphabet+"_") {
			name = hclText(name)
		}
		if strings.Contains(value, "\n") {
			flush()
		}
		run = append(run, [2]string{name, value})
		if strings.Contains(value, "\n") {
			flush()
		}
	}
	flush()
	return out.String()
}

func (w *hcl) value(indent string, value any) string {
	switch v := value.(type) {
	case code:
		return string(v)
	case text:
		return hclText(string(v))
	case ofAWS:
		return `"arn:${data.aws_partition.` + w.label + `.partition}:` + string(v) + `"`
	case ownARN:
		return [...]string{theProvider: "aws_iam_openid_connect_provider.", theRole: "aws_iam_role."}[v] + w.label + ".arn"
	case encoded:
		return "jsonencode(" + w.value(indent, object(v)) + ")"
	case set:
		return "toset(" + w.value(indent, list(v)) + ")"
	case object:
		return "{\n" + w.members(indent+"  ", v) + indent + "}"
	case list:
		return "[" + w.items(indent, v) + "]"
	}
	return fmt.Sprint(value)
}

// items writes a list on one line if it has one item.
func (w *hcl) items(indent string, items list) string {
	if len(items) == 1 {
		return w.value(indent, items[0])
	}
	var out strings.Builder
	for _, item := range items {
		out.WriteString("\n" + indent + "  " + w.value(indent+"  ", item) + ",")
	}
	return out.String() + "\n" + indent
}

// hclText writes text that is no template, though policies and Terraform use the same letters
// for their variables.
// https://developer.hashicorp.com/terraform/language/expressions/strings#escape-sequences
func hclText(text string) string {
	return quoted(strings.NewReplacer("${", "$${", "%{", "%%{").Replace(text))
}
