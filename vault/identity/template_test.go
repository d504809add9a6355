package identity

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

var update = flag.Bool("update", false, "update the golden files")

// alice is the identity in the golden files.
var alice = Template{
	Name: "alice", Issuer: "https://id.example.com/alice", Subject: "alice@example.com",
	Audience: "https://id.example.com/alice", Role: "aws-vault-alice",
}

func templates() map[string]Template {
	managed, actions, hub, spoke := alice, alice, alice, alice
	managed.Managed = []string{"ReadOnlyAccess", "job-function/SystemAdministrator", "arn:aws:iam::123456789012:policy/team/deploy", "ReadOnlyAccess"}
	managed.MaxSession = 8 * time.Hour
	actions.Actions = []string{"s3:GetObject", "s3:ListBucket"}
	actions.Resources = []string{"arn:aws:s3:::app-data", "arn:aws:s3:::app-data/${aws:PrincipalTag/team}/*"}
	hub.Accounts = []string{"210987654321", "333333333333"}
	spoke.Hub = "arn:aws:iam::123456789012:role/aws-vault-alice"
	spoke.Organization = "o-a1b2c3d4e5"
	spoke.Managed = []string{"PowerUserAccess"}
	return map[string]Template{"managed": managed, "actions": actions, "hub": hub, "spoke": spoke}
}

// TestTemplates compares the templates with the golden files. The program contrib/interop/templates checks that
// parsers accept the templates.
func TestTemplates(t *testing.T) {
	for name, template := range templates() {
		for suffix, print := range map[string]func() (string, error){".yaml": template.CloudFormation, ".tf": template.Terraform} {
			got, err := print()
			if err != nil {
				t.Fatalf("%s%s: %v", name, suffix, err)
			}
			file := filepath.Join("testdata", name+suffix)
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("%s: got\n%s\nwant\n%s", file, got, want)
			}
			// AWS does not need a thumbprint. A tab or a carriage return would come from a value that is not escaped.
			if strings.Contains(strings.ToLower(got), "thumbprint") || strings.ContainsAny(got, "\t\r") {
				t.Errorf("%s contains a thumbprint, a tab or a carriage return", file)
			}
		}
	}
}

func TestInvalidTemplates(t *testing.T) {
	long := strings.Repeat("a", 65)
	for _, c := range []struct {
		what   string
		damage func(*Template)
	}{
		{"issuer", func(t *Template) { t.Issuer = "http://127.0.0.1/alice" }},
		{"issuer", func(t *Template) { t.Issuer = "https://id.example.com:8443/alice" }},
		{"issuer", func(t *Template) { t.Issuer = `https://id.example.com/al"ice` }},
		{"issuer", func(t *Template) { t.Issuer = "https://id.example.com/${aws:username}" }},
		{"subject", func(t *Template) { t.Subject = "auth0|alice" }},
		{"subject", func(t *Template) { t.Subject = "a" }},
		{"subject", func(t *Template) { t.Subject = long }},
		{"subject", func(t *Template) { t.Subject = "älice" }},
		{"audience", func(t *Template) { t.Audience = "" }},
		{"audience", func(t *Template) { t.Audience = "${aws:username}" }},
		{"audience", func(t *Template) { t.Audience = "a\nb" }},
		{"role name", func(t *Template) { t.Role = "" }},
		{"role name", func(t *Template) { t.Role = "a/b" }},
		{"role name", func(t *Template) { t.Role = long }},
		{"session duration", func(t *Template) { t.MaxSession = time.Minute }},
		{"session duration", func(t *Template) { t.MaxSession = 13 * time.Hour }},
		{"session duration", func(t *Template) { t.MaxSession = time.Hour + time.Millisecond }},
		{"session duration", func(t *Template) { t.Hub, t.MaxSession = "arn:aws:iam::123456789012:role/hub", 2*time.Hour }},
		{"hub", func(t *Template) { t.Hub = "arn:aws:iam::123456789012:user/alice" }},
		{"hub", func(t *Template) { t.Hub = "arn:aws:iam::aws:role/alice" }},
		{"hub", func(t *Template) { t.Hub = "arn:gcp:iam::123456789012:role/alice" }},
		{"hub", func(t *Template) { t.Hub = "alice" }},
		{"hub", func(t *Template) { t.Hub = "arn:aws:iam::123456789012:role/" + strings.Repeat("a", maxARN) }},
		{"hub", func(t *Template) {
			t.Hub, t.Managed, t.Accounts = "arn:aws:iam::123456789012:role/hub", nil, []string{"210987654321"}
		}},
		{"organization", func(t *Template) { t.Organization = "o-a1b2c3d4e5" }},
		{"organization", func(t *Template) { t.Hub, t.Organization = "arn:aws:iam::123456789012:role/hub", "r-a1b2" }},
		{"permissions", func(t *Template) { t.Managed = nil }},
		{"permissions", func(t *Template) { t.Accounts = []string{"210987654321"} }},
		{"permissions", func(t *Template) { t.Resources = []string{"*"} }},
		{"a resource for the actions", func(t *Template) { t.Managed, t.Actions = nil, []string{"s3:*"} }},
		{"an action for the resources", func(t *Template) { t.Managed, t.Resources = nil, []string{"*"} }},
		{"managed policy", func(t *Template) { t.Managed = []string{"Read Only"} }},
		{"managed policy", func(t *Template) { t.Managed = []string{"arn:aws:iam::12345:policy/a"} }},
		{"managed policy", func(t *Template) { t.Managed = []string{""} }},
		{"managed policy list", func(t *Template) { t.Managed = longList(21) }},
		{"action", func(t *Template) { t.Managed, t.Actions, t.Resources = nil, []string{"*"}, []string{"*"} }},
		{"action", func(t *Template) { t.Managed, t.Actions, t.Resources = nil, []string{"s3:Get Object"}, []string{"*"} }},
		{"resource", func(t *Template) { t.Managed, t.Actions, t.Resources = nil, []string{"s3:*"}, []string{"bucket"} }},
		{"resource", func(t *Template) { t.Managed, t.Actions, t.Resources = nil, []string{"s3:*"}, []string{"arn:a\nb"} }},
		{"resource", func(t *Template) { t.Managed, t.Actions, t.Resources = nil, []string{"s3:*"}, []string{"arn:€"} }},
		{"account", func(t *Template) { t.Managed, t.Accounts = nil, []string{"12345678901"} }},
		{"account", func(t *Template) { t.Managed, t.Accounts = nil, []string{"1234567890AB"} }},
	} {
		bad := alice
		bad.Managed = []string{"ReadOnlyAccess"}
		c.damage(&bad)
		for _, print := range []func() (string, error){bad.CloudFormation, bad.Terraform} {
			var refused *TemplateError
			text, err := print()
			if errors.Is(err, ErrNoGrant) {
				refused = &TemplateError{What: "permissions"}
			}
			if err == nil || refused == nil && !errors.As(err, &refused) || refused.What != c.what || text != "" {
				t.Errorf("%+v: got %q, %v, want an error about the %s", bad, text, err, c.what)
			} else if strings.Contains(err.Error(), "\n") {
				t.Errorf("error has several lines: %v", err)
			}
		}
	}
	for _, issuer := range []string{"", "https://id.example.com/", "id.example.com"} {
		bad := alice
		bad.Issuer = issuer
		var refused *IssuerError
		if _, err := bad.Terraform(); !errors.As(err, &refused) {
			t.Errorf("issuer %q: got %v, want an IssuerError", issuer, err)
		}
	}
}

func longList(n int) []string {
	var all []string
	for i := range n {
		all = append(all, strings.Repeat("a", i+1))
	}
	return all
}

// TestPolicySizes checks policies whose size is at IAM's limit, and policies with one more character. The size is
// computed here from the policy's JSON.
func TestPolicySizes(t *testing.T) {
	actions, hub, spoke := alice, alice, alice
	actions.Actions = []string{"s3:GetObject", "s3:ListBucket"}
	hub.Role, hub.Accounts = strings.Repeat("a", maxRoleName), accounts(maxListItems)
	spoke.Managed = []string{"ReadOnlyAccess"}
	document := func(statement string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",` + statement + `}]}`
	}
	withResources := func(first string, size int) Template {
		made := actions
		made.Resources = []string{first}
		for i := range maxListItems - 2 {
			made.Resources = append(made.Resources, fmt.Sprintf("arn:aws:s3:::%080d", i))
		}
		quotedLists, _ := json.Marshal([][]string{made.Actions, append(made.Resources, "arn:")})
		text := document(`"Action":` + strings.Replace(string(quotedLists[1:len(quotedLists)-1]), "],[", `],"Resource":[`, 1))
		rest := size - utf8.RuneCountInString(strings.ReplaceAll(text, " ", ""))
		made.Resources = append(made.Resources, "arn:"+strings.Repeat("x", rest))
		return made
	}
	withPartition := func(size int) Template {
		made := spoke
		text := document(`"Principal":{"AWS":"arn:aws:iam::123456789012:role/hub"},"Action":["sts:AssumeRole",` +
			`"sts:SetSourceIdentity","sts:TagSession"],"Condition":{"StringEquals":{"aws:SourceIdentity":"alice@example.com"}}`)
		made.Hub = "arn:aws" + strings.Repeat("a", size-len(text)) + ":iam::123456789012:role/hub"
		return made
	}
	for name, c := range map[string]struct {
		template Template
		want     string // the error; empty if there is none
	}{
		"largest inline policy": {withResources("arn:aws:s3:::app-data", maxInline), ""},
		"inline policy one character too large": {
			withResources("arn:aws:s3:::app-data", maxInline+1),
			`inline policy is "10241 characters", expected at most 10240 without white space`,
		},
		"white space is not counted":           {withResources("arn:a b c", maxInline), ""},
		"escaped characters count twice":       {withResources(`arn:"\`, maxInline), ""},
		"escaped characters, one too many":     {withResources(`arn:"\`, maxInline+1), `inline policy is "10241 characters"`},
		"an umlaut is one character":           {withResources("arn:ä", maxInline), ""},
		"an umlaut, and one too many":          {withResources("arn:ä", maxInline+1), `inline policy is "10241 characters"`},
		"hub of the longest role":              {hub, ""},
		"largest trust policy":                 {withPartition(maxTrust), ""},
		"trust policy one character too large": {withPartition(maxTrust + 1), `trust policy is "2049 characters", expected at most 2048`},
	} {
		t.Run(name, func(t *testing.T) {
			for format, print := range map[string]func() (string, error){
				"CloudFormation": c.template.CloudFormation, "Terraform": c.template.Terraform,
			} {
				text, err := print()
				var refused *TemplateError
				switch {
				case c.want == "" && err != nil:
					t.Errorf("%s: got %v, want no error", format, err)
				case c.want != "" && (!errors.As(err, &refused) || !strings.HasPrefix(err.Error(), c.want) || text != ""):
					t.Errorf("%s: got %d characters, %v, want the error %s", format, len(text), err, c.want)
				}
			}
		})
	}
}

// TestLongestTokenTrust checks that the trust policy with the longest issuer, audience and subject fits IAM's limit
// in every partition.
func TestLongestTokenTrust(t *testing.T) {
	longest := alice
	longest.Issuer = "https://id.example.com/" + strings.Repeat("a", 255-len("https://id.example.com/"))
	longest.Subject, longest.Audience = strings.Repeat("a", maxRoleName), strings.Repeat(`"`, 255)
	longest.Managed = []string{"ReadOnlyAccess"}
	if _, err := longest.Terraform(); err != nil {
		t.Error(err)
	}
	if n := longest.size(longest.trust()) + len("-us-gov"); n > maxTrust {
		t.Errorf("the trust policy has %d characters, want at most %d", n, maxTrust)
	}
}

func accounts(n int) []string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf("%012d", i))
	}
	return all
}

func TestLocalName(t *testing.T) {
	for name, want := range map[string]string{
		"alice": "alice", "al.ice@x": "al_2eice_40x", "a-b": "a-b", "a_b": "a__b", "1st": "_31st", "-a": "_2da", "": "_", "ä": "_c3_a4",
	} {
		if got := localName(name); got != want {
			t.Errorf("localName(%q) = %q, want %q", name, got, want)
		}
	}
}

// TestLocalNamesDiffer checks all names of up to five of the characters that could be confused: hexadecimal digits and
// the characters that are encoded. Each label must be a Terraform identifier, and no two names may share one.
func TestLocalNamesDiffer(t *testing.T) {
	identifier := regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*$`)
	of := map[string]string{}
	names := []string{""}
	for len(names) > 0 {
		name := names[0]
		names = names[1:]
		label := localName(name)
		if other, taken := of[label]; taken {
			t.Fatalf("%q and %q have the label %s", other, name, label)
		}
		if !identifier.MatchString(label) {
			t.Fatalf("%q has the label %q, want an identifier", name, label)
		}
		of[label] = name
		if len(name) < 5 {
			for _, c := range []byte("aef25d._-\xff") {
				names = append(names, name+string([]byte{c}))
			}
		}
	}
}
