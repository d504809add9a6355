package profile

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestHeaders(t *testing.T) {
	for header, want := range map[string]string{
		"[default]":            "default",
		"[profile bob]":        "bob",
		"[profile   bob  ]":    "bob",
		"[profile\tbob]":       "bob",
		"  [profile bob]":      "bob",
		`[profile "x y"]`:      "x y",
		`[profile 'x y']`:      "x y",
		`[profile x" "y]`:      "x y",
		`[profile x\ y]`:       "x y",
		`[profile "a\"b\\c"]`:  `a"b\c`,
		`[profile 'a\"b']`:     `a\"b`,
		`[profile "a\nb"]`:     `a\nb`,
		"[profile a.b]":        "a.b",
		"[profile é]":          "é",
		"[profile bob];or not": "bob",
		"[profile a]b]":        "a]b",

		"[ profile bob ]":   "",
		"[profile]":         "",
		"[profile ]":        "",
		`[profile ""]`:      "",
		"[profile a b]":     "",
		`[profile "a" "b"]`: "",
		`[profile "a b]`:    "",
		`[profile a\]`:      "",
		"[profilebob]":      "",
		"[profiles bob]":    "",
		"[Profile bob]":     "",
		"[ default ]":       "",
		"[DEFAULT]":         "",
		"[preview]":         "",
		"[profile bob":      "",
		"[]":                "",
		"[profile b\x00b]":  "",
		"[profile b\xffb]":  "",
	} {
		names := config(t, header+"\nregion = eu-west-1\n").Profiles()
		if got := strings.Join(names, ","); got != want {
			t.Errorf("%s is %q, want %q", header, got, want)
		}
	}
}

func TestOtherSections(t *testing.T) {
	f := config(t, "[sso-session corp]\n[services \"my own\"]\n[profile sso-session]\n[sso-session]\n")
	if got := f.Profiles(); !slices.Equal(got, []string{"sso-session"}) {
		t.Errorf("profiles %q", got)
	}
	sessions, services := f.SSOSessions(), f.names(servicesSection)
	if !slices.Equal(sessions, []string{"corp"}) || !slices.Equal(services, []string{"my own"}) {
		t.Errorf("sessions %q, services %q", sessions, services)
	}
}

func TestValues(t *testing.T) {
	for _, c := range []struct{ name, lines, want string }{
		{"equals", "credential_process = a=b", "a=b"},
		{"colon first", "credential_process : a=b", "a=b"},
		{"equals first", "credential_process=a:b", "a:b"},
		{"case", "Credential_PROCESS = A", "A"},
		{"blanks", "\t credential_process \t=\t A b \t", "A b"},
		{"comment lines", "credential_process = a\n  # no\n;no\n  b", "a\nb"},
		{"no comment behind", "credential_process = a # b ; c", "a # b ; c"},
		{"goes on", "credential_process = a\n b\n\tc", "a\nb\nc"},
		{"goes on after blank lines", "credential_process = a\n\n \n b\n\n", "a\n\n\nb"},
		{"begins below", "credential_process =\n  a", "\na"},
		{"a header that is none", "credential_process = a\n  [profile other]", "a\n[profile other]"},
		{"deep keys", "  output = json\n  credential_process = a\n    b", "a\nb"},
		{"less deep", "  output = json\n credential_process = a", "a"},
		{"carriage returns", "credential_process = a\r  b\r", "a\nb"},
		{"both", "credential_process = a\r\n  b\r\n", "a\nb"},
		{"a page break is a blank", "\fcredential_process\v=\x1ca", "a"},
		{"the last counts", "credential_process = a\ncredential_process = b", "b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := config(t, "[profile p]\n"+c.lines)
			if got := resolve(t, f, "p", Inputs{}).Text("credential_process"); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
			if !slices.Equal(f.Profiles(), []string{"p"}) {
				t.Errorf("profiles %q", f.Profiles())
			}
		})
	}
}

func TestNotAConfigFile(t *testing.T) {
	for name, c := range map[string]struct {
		text []byte
		want string
	}{
		"little-endian":         {[]byte("\xff\xfe[\x00d\x00"), "config: found a file in UTF-16, expected a file in UTF-8"},
		"big-endian":            {[]byte("\xfe\xff\x00[\x00d"), "config: found a file in UTF-16, expected a file in UTF-8"},
		"little-endian, no BOM": {[]byte("[\x00d\x00"), "config: found a file in UTF-16, expected a file in UTF-8"},
		"big-endian, no BOM":    {[]byte("\x00[\x00d"), "config: found a file in UTF-16, expected a file in UTF-8"},
		"too long":              {bytes.Repeat([]byte("#"), 32<<20+1), "config: found 33554433 bytes, expected at most 33554432"},
		"too many sections":     {bytes.Repeat([]byte("[a]\n"), 1<<18+1), "config: found too many sections, expected at most 262144"},
	} {
		f, err := Parse("config", c.text)
		var syntax *SyntaxError
		if f != nil || !errors.As(err, &syntax) || err.Error() != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

func TestOtherTextParses(t *testing.T) {
	for name, text := range map[string]string{
		"empty":         "",
		"one byte":      "[",
		"BOM":           "\ufeff",
		"long line":     "[profile p]\nregion = " + strings.Repeat("a", 2<<20),
		"long header":   "[profile " + strings.Repeat("a", 2<<20) + "]",
		"NUL":           "\x00\x00[profile p]",
		"lone returns":  strings.Repeat("\r", 4<<20),
		"blank lines":   "[profile p]\na=\n" + strings.Repeat("\n", 4<<20) + " b",
		"opening only":  strings.Repeat("[", 4<<20),
		"opening lines": strings.Repeat("[\n", 1<<17),
		"keys":          "[profile p]\n" + strings.Repeat("a=\n", 1<<20),
		"bad lines":     "[profile p]\n" + strings.Repeat("a\n", 1<<20),
		"one section":   strings.Repeat("[profile p]\n", 1<<17),
	} {
		f := config(t, text)
		if _, err := f.Resolve("p", Inputs{}); err != nil && !isOurs(err) {
			t.Errorf("%s: %v", name, err)
		}
		if n := len(f.Problems()); n > maxProblems {
			t.Errorf("%s: %d problems", name, n)
		}
	}
}

func TestByteOrderMark(t *testing.T) {
	p := resolve(t, config(t, "\ufeff[default]\r\nregion = eu-west-1\r\n"), "default", Inputs{})
	want := Origin{ConfigFile, "region", "config", 2, "default"}
	if v := p.Value("region"); v.Text != "eu-west-1" || v.Origin != want {
		t.Errorf("%q from %+v", v, v.Origin)
	}
}

// An invalid line is an error only for profiles that use its section.
func TestBadLines(t *testing.T) {
	for name, c := range map[string]struct{ line, want string }{
		"no separator":      {"AKIAIOSFODNN7EXAMPLE", `config:5: found a line without "=" or ":", expected KEY = VALUE`},
		"no key":            {"= AKIAIOSFODNN7EXAMPLE", "config:5: found a line without a key before the separator, expected KEY = VALUE"},
		"NUL":               {"mfa_serial = AKIA\x00", "config:5: found a NUL byte, expected text"},
		"Latin-1":           {"mfa_serial = caf\xe9", "config:5: found bytes that are not UTF-8, expected text in UTF-8"},
		"Latin-1 goes on":   {"  caf\xe9", "config:5: found bytes that are not UTF-8, expected text in UTF-8"},
		"bad bytes nowhere": {"caf\xe9", "config:5: found bytes that are not UTF-8, expected text in UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			f := config(t, "[profile a]\nregion = eu-west-1\n[profile b]\nregion = eu-west-1\n"+c.line+"\n[profile c]\nregion = eu-west-1\n")
			if got := fails(t, f, "b", Inputs{}); got != c.want {
				t.Errorf("%s\nwant %s", got, c.want)
			}
			for _, name := range []string{"a", "c"} {
				if got := resolve(t, f, name, Inputs{}).Text("region"); got != "eu-west-1" {
					t.Errorf("region of %s is %q", name, got)
				}
			}
		})
	}
}

func TestBadBytesInCommentsAreIgnored(t *testing.T) {
	f := config(t, "[default]\n# caf\xe9 \x00\nregion = eu-west-1\n")
	if got := resolve(t, f, "default", Inputs{}).Text("region"); got != "eu-west-1" {
		t.Errorf("region %q", got)
	}
}

func TestTooManyKeys(t *testing.T) {
	var b strings.Builder
	b.WriteString("[profile p]\n")
	for i := range maxKeys + 2 {
		fmt.Fprintf(&b, "k%d = v\n", i)
	}
	want := "config:10002: found too many keys in one section, expected at most 10000"
	if got := fails(t, config(t, b.String()), "p", Inputs{}); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

// Keys after a header without a closing bracket do not belong to the section before that header.
func TestOpenHeader(t *testing.T) {
	f := config(t, "[profile a]\nregion = eu-west-1\n[profile b\nrole_arn = arn:aws:iam::123456789012:role/Admin\n")
	if p := resolve(t, f, "a", Inputs{}); p.Set("role_arn") {
		t.Error("a has the role of b")
	}
	if f.Has("b") {
		t.Error("b is a profile")
	}
}

// A profile, or a section that a profile names, cannot be used if a broken header probably meant it.
func TestBrokenHeaders(t *testing.T) {
	sso := "sso_session = corp"
	for _, c := range []struct{ text, name, want string }{
		{"[profile tom\nmfa_serial = x\n", "tom", "config:1: found the header [profile tom, expected [profile tom]"},
		{"[profile tom\n[profile tom]\nregion = eu-west-1\n", "tom", "config:1: found the header [profile tom, expected [profile tom]"},
		{"[profile tom\n[profile ann]\n", "ann", ""},
		{"[profile tom # mine\n", "tom", "config:1: found the header [profile tom # mine, expected [profile tom]"},
		{"[profile prod:eu\n", "prod:eu", "config:1: found the header [profile prod:eu, expected [profile prod:eu]"},
		{"[profile \"my prod\n", "my prod", `config:1: found the header [profile "my prod, expected [profile "my prod"]`},
		{"[profile My Account]\n", "My Account", `config:1: found the header [profile My Account], expected [profile "My Account"]`},
		{"[profile My Account]\n", "My", ""},
		{"[ profile tom ]\n", "tom", "config:1: found the header [ profile tom ], expected [profile tom]"},
		{"[Profile tom]\n", "tom", "config:1: found the header [Profile tom], expected [profile tom]"},
		{"[tom\n", "tom", "config:1: found the header [tom, expected [profile tom]"},
		{"[default\nmfa_serial = x\n", "ann", "config:1: found the header [default, expected [default]"},
		{"[ default ]\nmfa_serial = x\n", "ann", ""},
		{"[]\n[\n[profile]\n", "ann", ""},
		{"[profile p]\nsource_profile = tom\n[profile tom\n", "p", "config:3: found the header [profile tom, expected [profile tom]"},
		{"[profile p]\ninclude_profile = tom\n[profile tom\n", "p", "config:3: found the header [profile tom, expected [profile tom]"},
		{"[profile p]\n" + sso + "\n[sso-session corp\n", "p", "config:3: found the header [sso-session corp, expected [sso-session corp]"},
		{"[profile p]\n" + sso + "\n[sso-session corp]\n[profile corp\n", "p", ""},
		{"[profile p]\nservices = a b\n[services a b]\n", "p", `config:3: found the header [services a b], expected [services "a b"]`},
	} {
		_, err := config(t, c.text).Resolve(c.name, Inputs{})
		var syntax *SyntaxError
		if c.want == "" && err != nil || c.want != "" && (!errors.As(err, &syntax) || err.Error() != c.want) {
			t.Errorf("%q, profile %s: %v\nwant %s", c.text, c.name, err, c.want)
		}
	}
	in := Inputs{Credentials: credentials(t, "[tom\naws_access_key_id = AKIAEXAMPLE\n")}
	if _, err := config(t, "").Resolve("tom", in); err == nil || err.Error() != "credentials:1: found the header [tom, expected [tom]" {
		t.Errorf("in the credentials file: %v", err)
	}
}

// Broken returns only lines that cannot be read. Problems returns them too.
func TestBroken(t *testing.T) {
	f := config(t, "x\n[profile a]\nregion = eu-west-1 # home\nregion = b\njunk\n= v\n[profile b\njunk\n[preview]\n\xff = 1\n[prod]\nregion = b\n[profile a]\n")
	want := []string{
		"config:1: this line is before the first section, so it is not read",
		`config:5: found a line without "=" or ":", expected KEY = VALUE`,
		"config:6: found a line without a key before the separator, expected KEY = VALUE",
		"config:7: found the header [profile b, expected [profile b]; its section is not read",
		`config:8: found a line without "=" or ":", expected KEY = VALUE`,
		"config:10: found bytes that are not UTF-8, expected text in UTF-8",
	}
	var got, marked []string
	for _, p := range f.Broken() {
		got = append(got, p.String())
	}
	for _, p := range f.Problems() {
		if p.Broken {
			marked = append(marked, p.String())
		}
	}
	if !slices.Equal(got, want) || !slices.Equal(marked, want) {
		t.Errorf("got\n%s\nproblems\n%s", strings.Join(got, "\n"), strings.Join(marked, "\n"))
	}
}

func TestNoInheritanceByDots(t *testing.T) {
	f := config(t, "[profile prod]\nrole_arn = arn:aws:iam::123456789012:role/Admin\n[profile prod.read]\nregion = eu-west-1\n")
	if p := resolve(t, f, "prod.read", Inputs{}); p.Set("role_arn") {
		t.Error("prod.read has the role of prod")
	}
}

func TestProblems(t *testing.T) {
	text := `output = json
stray
[default]
region = eu-west-1
region = eu-west-2
junk
[profile default]
output = json ; or text
[profile a]
[profile b
[profile "c]
[profile d] e]
[ default ]
[prod]
role_arn = x
[preview]
cloudfront = true
[DEFAULT]
region = eu-west-1
[profile a]
credential_process = a # b
session_tags = a=b
  [profile hidden]
[sso-session s]
sso_region = eu-west-1 # here
[sso-session s]
[profile x\ny]
[Services n]
`
	want := []string{
		"config:1: this line is before the first section, so it is not read",
		"config:5: region is already set in line 4; the value in this line is used",
		`config:6: found a line without "=" or ":", expected KEY = VALUE`,
		"config:7: [profile default] is the same profile as [default] in line 3; the settings of [profile default] have priority",
		"config:8: output is followed by a comment, which the AWS CLI reads as part of the value",
		`config:10: found the header [profile b, expected [profile b]; its section is not read`,
		`config:11: found the header [profile "c], expected [profile c]; its section is not read`,
		`config:12: found the header [profile d] e], expected [profile "d] e"]; its section is not read`,
		`config:13: found the header [ default ], expected [default]; its section is not read`,
		`config:14: the header "prod" does not begin with the word "profile"; its section is not read`,
		"config:18: the AWS CLI applies [DEFAULT] to all sections; aws-vault does not read it",
		"config:20: [profile a] already begins in line 9; the two sections are merged",
		`config:23: "[profile hidden]" is indented more than the key above, so it is part of that key's value`,
		"config:25: sso_region is followed by a comment, which the AWS CLI reads as part of the value",
		"config:26: [sso-session s] already begins in line 24; the two sections are merged",
		`config:28: found the header [Services n], expected [services n]; its section is not read`,
	}
	var got []string
	for _, p := range config(t, text).Problems() {
		got = append(got, p.String())
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestProblemsOfOtherBytes(t *testing.T) {
	f := config(t, "stray\n[profile a\x00]\n[profile \xff]\n")
	want := []string{
		"config:1: this line is before the first section, so it is not read",
		`config:2: the header "[profile a\u0000]" is not text in UTF-8; its section is not read`,
		`config:3: the header "[profile \xff]" is not text in UTF-8; its section is not read`,
	}
	var got []string
	for _, p := range f.Problems() {
		got = append(got, p.String())
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
}

func TestProblemsOfCredentials(t *testing.T) {
	f := credentials(t, "[bob]\n[profile ann]\n[ eve ]\n[default]\n")
	want := []string{
		`credentials:2: the header "profile ann" begins with the word "profile", which is part of the name in this file`,
		`credentials:3: the header " eve " has blanks around the name, which are part of the name`,
	}
	var got []string
	for _, p := range f.Problems() {
		got = append(got, p.String())
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
	if names := f.Profiles(); !slices.Equal(names, []string{"bob", "profile ann", " eve ", "default"}) {
		t.Errorf("profiles %q", names)
	}
}

func TestFile(t *testing.T) {
	f := config(t, "[default]\n[profile a]\n[profile a]\n")
	if f.Path() != "config" || !f.Has("a") || f.Has("b") || len(f.Profiles()) != 2 {
		t.Errorf("%s %q", f.Path(), f.Profiles())
	}
	var none *File
	if none.Has("a") {
		t.Error("no file has a profile")
	}
}

func TestZeroFile(t *testing.T) {
	var f File
	if f.Has("a") || len(f.Profiles()) != 0 || len(f.SSOSessions()) != 0 || len(f.Problems()) != 0 || len(f.Marked("# m")) != 0 {
		t.Error("the zero file says something")
	}
	if p := resolve(t, &f, "a", Inputs{Credentials: &File{}}); p.Defined || len(p.Names()) != 0 {
		t.Errorf("a profile of the zero file has %q", p.Names())
	}
	if text, err := WithProfile(&f, "a", []Setting{{"region", "eu-west-1"}}); err != nil || string(text) != "[profile a]\nregion = eu-west-1\n" {
		t.Errorf("%q, %v", text, err)
	}
}

func TestNearest(t *testing.T) {
	f := config(t, "[profile production]\n[profile prod-eu]\n[profile prod-us]\n[profile prod-ap]\n[profile staging]\n[profile "+strings.Repeat("x", 100)+"]\n")
	for name, want := range map[string][]string{
		"prodcution":            {"production"},
		"prod":                  {"prod-ap", "prod-eu", "prod-us"},
		"Staging":               {"staging"},
		"stgaing":               {"staging"},
		"nothing":               nil,
		"":                      nil,
		"staging":               nil,
		strings.Repeat("x", 99): nil,
	} {
		if got := Nearest(name, f.Profiles()); !slices.Equal(got, want) {
			t.Errorf("names similar to %q: %q, want %q", name, got, want)
		}
	}
}
