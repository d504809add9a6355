package identity

import (
	"fmt"
	"strings"
)

// Terraform returns the template in HCL. All blocks have the label that localName returns for the identity's name.
// Templates for different names can be used in one module. Terraform fails with an [*IssuerError], a
// [*TemplateError] or [ErrNoGrant].
// https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/iam_role
func (t Template) Terraform() (string, error) {
	t, err := t.validated()
	if err != nil {
		return "", err
	}
	w := hcl{label: localName(t.Name)}
	w.line("# %s.", t.title())
	if t.usesPartition() {
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
	w.line("\noutput %q {\n  value = %s\n}", w.label+"_role_arn", w.value("  ", roleARN))
	return w.b.String(), nil
}

// usesPartition reports whether the template contains an ARN whose partition is inserted by Terraform.
func (t Template) usesPartition() bool {
	for _, m := range t.managed() {
		if _, is := m.(partitionARN); is {
			return true
		}
	}
	return len(t.Accounts) > 0
}

// localName returns a Terraform label for name. Different names have different labels. ASCII letters, digits and
// hyphens are unchanged, and an underscore is doubled. Any other byte becomes an underscore and two hexadecimal digits.
// So does a digit or hyphen at the beginning, where Terraform allows none. An empty name has the label _.
// https://developer.hashicorp.com/terraform/language/syntax/configuration#identifiers
func localName(name string) string {
	var label strings.Builder
	for i, c := range []byte(name) {
		switch {
		case strings.IndexByte(letters, c) >= 0 || i > 0 && strings.IndexByte(digits+"-", c) >= 0:
			label.WriteByte(c)
		case c == '_':
			label.WriteString("__")
		default:
			fmt.Fprintf(&label, "_%02x", c)
		}
	}
	if name == "" {
		return "_"
	}
	return label.String()
}

// Types of values that exist only in HCL.
type (
	code    string // an expression, printed without quotes
	encoded object // an object, printed as the argument of jsonencode
	set     list
)

// hcl writes blocks that all have the same label. Their format is that of terraform fmt.
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

// members writes the members of a block or object. It aligns the equals signs of consecutive one-line members.
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
		if !onlyContains(name, alphabet+"_") {
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
	case partitionARN:
		return `"arn:${data.aws_partition.` + w.label + `.partition}:` + string(v) + `"`
	case resourceARN:
		return [...]string{providerARN: "aws_iam_openid_connect_provider.", roleARN: "aws_iam_role."}[v] + w.label + ".arn"
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

// items writes a list, on one line if it has one item.
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

// hclText returns text as a string literal. In HCL, ${ and %{ begin a Terraform template, so hclText escapes them.
// A policy may contain ${, which begins a policy variable.
// https://developer.hashicorp.com/terraform/language/expressions/strings#escape-sequences
func hclText(text string) string {
	return quoted(strings.NewReplacer("${", "$${", "%{", "%%{").Replace(text))
}
