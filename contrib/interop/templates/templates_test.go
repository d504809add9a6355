// Package templates checks the Terraform and CloudFormation templates that aws-vault prints. It parses them with
// Terraform's HCL parser and a YAML parser. The package has its own module, so that aws-vault does not depend on
// the parsers.
package templates

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
	"gopkg.in/yaml.v3"

	"aws-vault/vault/identity"
	"aws-vault/vault/policy"
)

// partition is the AWS partition that the test inserts into templates.
const partition = "aws-us-gov"

// A role is the role that a template creates, in either format.
type role struct {
	URL         string
	Audiences   []string
	Name        string
	Seconds     int
	Trust       any
	Managed     []string
	Inline      any
	Description string
}

// fromYAML returns the role that CloudFormation would create from the template src.
func fromYAML(t *testing.T, src string) role {
	t.Helper()
	var node yaml.Node
	if err := yaml.Unmarshal([]byte(src), &node); err != nil {
		t.Fatalf("%v in\n%s", err, src)
	}
	root := plain(t, node.Content[0], src).(map[string]any)
	if root["AWSTemplateFormatVersion"] != "2010-09-09" {
		t.Errorf("the version is %v", root["AWSTemplateFormatVersion"])
	}
	resources := root["Resources"].(map[string]any)
	r := role{Description: root["Description"].(string)}
	if p, ok := resources["Provider"].(map[string]any); ok {
		want(t, p["Type"], "AWS::IAM::OIDCProvider")
		properties := p["Properties"].(map[string]any)
		r.URL, r.Audiences = properties["Url"].(string), words(properties["ClientIdList"])
	}
	made := resources["Role"].(map[string]any)
	want(t, made["Type"], "AWS::IAM::Role")
	properties := made["Properties"].(map[string]any)
	r.Name, r.Seconds, r.Trust = properties["RoleName"].(string), properties["MaxSessionDuration"].(int), properties["AssumeRolePolicyDocument"]
	r.Managed = words(properties["ManagedPolicyArns"])
	if inline, ok := properties["Policies"].([]any); ok {
		want(t, len(inline), 1)
		r.Inline = inline[0].(map[string]any)["PolicyDocument"]
	}
	return r
}

// plain returns a node's value, with CloudFormation's functions evaluated.
func plain(t *testing.T, n *yaml.Node, src string) any {
	t.Helper()
	switch n.Kind {
	case yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i < len(n.Content); i += 2 {
			if _, twice := m[n.Content[i].Value]; twice {
				t.Errorf("%s stands twice in\n%s", n.Content[i].Value, src)
			}
			m[n.Content[i].Value] = plain(t, n.Content[i+1], src)
		}
		return m
	case yaml.SequenceNode:
		var l []any
		for _, item := range n.Content {
			l = append(l, plain(t, item, src))
		}
		return l
	}
	switch n.Tag {
	case "!Sub":
		s := strings.ReplaceAll(n.Value, "${AWS::Partition}", partition)
		if strings.Contains(s, "${") {
			t.Errorf("!Sub has something else to fill in: %q", n.Value)
		}
		return s
	case "!GetAtt":
		return "ARN of " + strings.TrimSuffix(n.Value, ".Arn")
	case "!!str":
		return n.Value
	case "!!int":
		var i int
		if err := n.Decode(&i); err != nil {
			t.Error(err)
		}
		return i
	}
	t.Errorf("there is a %s in\n%s", n.Tag, src)
	return nil
}

// fromHCL returns the role that Terraform would create from the template src.
func fromHCL(t *testing.T, src string) role {
	t.Helper()
	if formatted := string(hclwrite.Format([]byte(src))); formatted != src {
		t.Errorf("terraform fmt writes\n%s\nfor\n%s", formatted, src)
	}
	file, diagnostics := hclsyntax.ParseConfig([]byte(src), "main.tf", hcl.InitialPos)
	if diagnostics.HasErrors() {
		t.Fatalf("%v in\n%s", diagnostics, src)
	}
	var r role
	for _, b := range file.Body.(*hclsyntax.Body).Blocks {
		kind := b.Type
		if kind != "output" {
			kind = b.Labels[0]
		}
		value := func(name string) any {
			a, ok := b.Body.Attributes[name]
			if !ok {
				t.Fatalf("%s has no %s", kind, name)
			}
			v, diagnostics := a.Expr.Value(world(b.Labels[len(b.Labels)-1]))
			if diagnostics.HasErrors() {
				t.Fatalf("%v in\n%s", diagnostics, src)
			}
			return fromCty(t, v)
		}
		switch kind {
		case "aws_iam_openid_connect_provider":
			r.URL, r.Audiences = value("url").(string), words(value("client_id_list"))
		case "aws_iam_role":
			r.Name, r.Seconds, r.Trust = value("name").(string), int(value("max_session_duration").(float64)), parsed(t, value("assume_role_policy"))
		case "aws_iam_role_policy_attachment":
			want(t, value("role"), "name of Role")
			r.Managed = words(value("for_each"))
		case "aws_iam_role_policy":
			want(t, value("role"), "name of Role")
			r.Inline = parsed(t, value("policy"))
		case "aws_partition":
		case "output":
			a := b.Body.Attributes["value"]
			v, _ := a.Expr.Value(world(strings.TrimSuffix(b.Labels[0], "_role_arn")))
			want(t, fromCty(t, v), "ARN of Role")
		default:
			t.Errorf("there is a %s in\n%s", kind, src)
		}
	}
	return r
}

// world returns the values that expressions in a Terraform template can use. The argument label is the name of
// every block in the template.
func world(label string) *hcl.EvalContext {
	object := func(m map[string]string) cty.Value {
		values := map[string]cty.Value{}
		for k, v := range m {
			values[k] = cty.StringVal(v)
		}
		return cty.ObjectVal(map[string]cty.Value{label: cty.ObjectVal(values)})
	}
	return &hcl.EvalContext{
		Variables: map[string]cty.Value{
			"data":                            cty.ObjectVal(map[string]cty.Value{"aws_partition": object(map[string]string{"partition": partition})}),
			"aws_iam_openid_connect_provider": object(map[string]string{"arn": "ARN of Provider"}),
			"aws_iam_role":                    object(map[string]string{"arn": "ARN of Role", "name": "name of Role"}),
		},
		Functions: map[string]function.Function{"jsonencode": stdlib.JSONEncodeFunc, "toset": stdlib.MakeToFunc(cty.Set(cty.String))},
	}
}

func fromCty(t *testing.T, v cty.Value) any {
	t.Helper()
	kind := v.Type()
	switch {
	case kind == cty.String:
		return v.AsString()
	case kind == cty.Number:
		f, _ := v.AsBigFloat().Float64()
		return f
	case kind.IsTupleType() || kind.IsSetType():
		var l []any
		for it := v.ElementIterator(); it.Next(); {
			_, item := it.Element()
			l = append(l, fromCty(t, item))
		}
		return l
	}
	t.Fatalf("there is a %s", kind.FriendlyName())
	return nil
}

func parsed(t *testing.T, text any) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text.(string)), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func words(list any) []string {
	var all []string
	if list == nil {
		return nil
	}
	for _, w := range list.([]any) {
		all = append(all, w.(string))
	}
	return all
}

func want(t *testing.T, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", asJSON(got), asJSON(want))
	}
}

func asJSON(v any) string {
	text, _ := json.Marshal(v)
	return string(text)
}

var alice = identity.Template{
	Name: "alice", Issuer: "https://id.example.com/alice", Subject: "alice@example.com", Audience: "sts.amazonaws.com", Role: "aws-vault-alice",
}

// trusted is the trust policy of a role that you assume with an ID token.
const trusted = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
	"Principal": {"Federated": "ARN of Provider"},
	"Action": ["sts:AssumeRoleWithWebIdentity", "sts:SetSourceIdentity", "sts:TagSession"],
	"Condition": {"StringEquals": {
		"id.example.com/alice:aud": "sts.amazonaws.com",
		"id.example.com/alice:sub": "alice@example.com",
		"sts:RoleSessionName": "${id.example.com/alice:sub}"},
		"Bool": {"sts:RoleAuthorizedByIdp": "true"}}}]}`

// trusting is the trust policy of a role that the hub role assumes.
const trusting = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
	"Principal": {"AWS": "arn:aws:iam::123456789012:role/aws-vault-alice"},
	"Action": ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"],
	"Condition": {"StringEquals": {"aws:SourceIdentity": "alice@example.com", "aws:PrincipalOrgID": "o-a1b2c3d4e5"}}}]}`

// leading is the permissions policy of the hub role. It allows the hub role to assume roles in other accounts.
const leading = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
	"Action": ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"],
	"Resource": ["arn:aws-us-gov:iam::210987654321:role/aws-vault-alice"]}]}`

func TestTemplatePatterns(t *testing.T) {
	managed, actions, hub, spoke := alice, alice, alice, alice
	managed.Managed = []string{"ReadOnlyAccess", "arn:aws:iam::123456789012:policy/a"}
	actions.Actions, actions.Resources = []string{"s3:GetObject"}, []string{"arn:aws:s3:::b/${aws:PrincipalTag/team}/*", "arn:aws:s3:::b"}
	hub.Accounts = []string{"210987654321"}
	spoke.Hub, spoke.Organization, spoke.Managed = "arn:aws:iam::123456789012:role/aws-vault-alice", "o-a1b2c3d4e5", []string{"ReadOnlyAccess"}
	const does = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:GetObject"],
		"Resource": ["arn:aws:s3:::b/${aws:PrincipalTag/team}/*", "arn:aws:s3:::b"]}]}`
	for name, c := range map[string]struct {
		template      identity.Template
		trust, inline string
		managed       []string
	}{
		"managed": {managed, trusted, "null", []string{"arn:aws-us-gov:iam::aws:policy/ReadOnlyAccess", "arn:aws:iam::123456789012:policy/a"}},
		"actions": {actions, trusted, does, nil},
		"hub":     {hub, trusted, leading, nil},
		"spoke":   {spoke, trusting, "null", []string{"arn:aws-us-gov:iam::aws:policy/ReadOnlyAccess"}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, r := range both(t, c.template) {
				want(t, r.Trust, parsed(t, c.trust))
				linted(t, r.Trust)
				want(t, r.Inline, parsed(t, c.inline))
				want(t, sorted(r.Managed), sorted(c.managed))
				want(t, r.Name, "aws-vault-alice")
				want(t, r.Seconds, 3600)
				if name == "spoke" {
					want(t, r.URL+strings.Join(r.Audiences, ""), "")
				} else {
					want(t, r.URL, "https://id.example.com/alice")
					want(t, r.Audiences, []string{"sts.amazonaws.com"})
				}
			}
		})
	}
}

// linted checks that the command "policy lint" reports no problems in a trust policy.
func linted(t *testing.T, trust any) {
	t.Helper()
	text := strings.ReplaceAll(asJSON(trust), "ARN of Provider", provider)
	found, err := policy.Lint([]byte(text))
	if err != nil || len(found) > 0 {
		t.Errorf("policy lint says %v, %v of %s", found, err, text)
	}
}

const provider = "arn:aws:iam::123456789012:oidc-provider/id.example.com/alice"

// TestTemplateTrust checks that the trust policy in a template equals the trust policy that the command "policy
// trust" prints for the same identity.
func TestTemplateTrust(t *testing.T) {
	template := alice
	template.Managed = []string{"ReadOnlyAccess"}
	text, err := policy.Trust{Principal: provider, Audience: template.Audience, Subject: template.Subject, SessionName: template.Subject, RolePin: true}.Document()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range both(t, template) {
		want(t, parsed(t, strings.ReplaceAll(asJSON(r.Trust), "ARN of Provider", provider)), parsed(t, text))
	}
}

// both parses a template as CloudFormation YAML and as Terraform HCL, and returns both roles.
func both(t *testing.T, template identity.Template) []role {
	t.Helper()
	y, err := template.CloudFormation()
	if err != nil {
		t.Fatal(err)
	}
	h, err := template.Terraform()
	if err != nil {
		t.Fatal(err)
	}
	return []role{fromYAML(t, y), fromHCL(t, h)}
}

func sorted(all []string) []string {
	return slices.Sorted(slices.Values(all))
}

// pieces are the parts from which the function odd builds values. Many of them have a meaning in YAML or HCL, and
// could end the quoted text that contains them.
var pieces = []string{
	"a", "Z", "9", "arn:aws:s3:::", "${", "$${", "$", "{", "}", "%{", "%", "%%{", "!", "${!", "\"", "'", "\\", "\\n", "\n", "\r", "\t", "\x00", "\x7f", "\u0085",
	"#", "//", "/*", "*", ": ", " ", "- ", "- a", "|", ">", "&a", "*a", "!Sub", "<<", "---", "...", "yes", "null", "~", "\u00ad", "\u00a0", "é", "e\u0301", "\u2028", "€", "😀",
	"${AWS::Partition}", "${data.aws_partition.alice.partition}", "@", "=", ",", ".", "_", "+", "-", ":", "EOF",
}

func odd(r *rand.Rand, beginning string) string {
	b := beginning
	for range 1 + r.IntN(6) {
		b += pieces[r.IntN(len(pieces))]
	}
	return b
}

// TestTemplateOddValues inserts odd values into templates. Either the template is refused, or the parser returns
// each value unchanged. The template must contain nothing else.
func TestTemplateOddValues(t *testing.T) {
	refused, read := 0, map[string]int{}
	for seed := range uint64(5000) {
		r := rand.New(rand.NewPCG(seed, 1))
		template := alice
		template.Name = odd(r, "")
		template.Actions, template.Resources = []string{"s3:GetObject"}, []string{"*"}
		var what string
		switch r.IntN(6) {
		case 0:
			what, template.Subject = "subject", odd(r, "")
		case 1:
			what, template.Audience = "audience", odd(r, "")
		case 2:
			what, template.Role = "role", odd(r, "")
		case 3:
			what, template.Resources = "resource", []string{odd(r, "arn:")}
		case 4:
			what, template.Issuer = "issuer", "https://id.example.com/"+odd(r, "")
		case 5:
			what, template.Actions, template.Resources, template.Managed = "managed", nil, nil, []string{odd(r, "")}
		}
		if _, err := template.Terraform(); err != nil {
			var bad *identity.TemplateError
			var issuer *identity.IssuerError
			if !errors.As(err, &bad) && !errors.As(err, &issuer) {
				t.Fatalf("%+v: %v", template, err)
			}
			refused++
			continue
		}
		read[what]++
		for _, made := range both(t, template) {
			want(t, made, expected(template, made.Description))
		}
		if t.Failed() {
			t.Fatalf("seed %d: %+q", seed, template)
		}
	}
	t.Logf("%d were refused; read back: %v", refused, read)
	for _, what := range []string{"subject", "audience", "role", "resource", "issuer", "managed"} {
		if read[what] < 10 {
			t.Errorf("only %d templates with an odd %s were made", read[what], what)
		}
	}
}

// expected returns the role that both parsers must return.
func expected(t identity.Template, description string) role {
	_, host, _ := strings.Cut(t.Issuer, "://")
	r := role{
		URL: t.Issuer, Audiences: []string{t.Audience}, Name: t.Role, Seconds: 3600, Description: description,
		Trust: document(map[string]any{
			"Principal": map[string]any{"Federated": "ARN of Provider"},
			"Action":    []any{"sts:AssumeRoleWithWebIdentity", "sts:SetSourceIdentity", "sts:TagSession"},
			"Condition": map[string]any{
				"StringEquals": map[string]any{
					host + ":aud": t.Audience, host + ":sub": t.Subject, "sts:RoleSessionName": "${" + host + ":sub}",
				},
				"Bool": map[string]any{"sts:RoleAuthorizedByIdp": "true"},
			},
		}),
	}
	if t.Managed != nil {
		r.Managed = []string{"arn:" + partition + ":iam::aws:policy/" + t.Managed[0]}
		return r
	}
	r.Inline = document(map[string]any{"Action": []any{"s3:GetObject"}, "Resource": []any{t.Resources[0]}})
	return r
}

func document(statement map[string]any) any {
	statement["Effect"] = "Allow"
	return map[string]any{"Version": "2012-10-17", "Statement": []any{statement}}
}
