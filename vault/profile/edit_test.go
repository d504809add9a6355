package profile

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestWithProfile(t *testing.T) {
	region := []Setting{{"region", "eu-west-3"}}
	for _, c := range []struct {
		name     string
		text     string
		profile  string
		settings []Setting
		want     string
	}{
		{"empty file", "", "default", region, "[default]\nregion = eu-west-3\n"},
		{"no settings", "", "bob", nil, "[profile bob]\n"},
		{"BOM only", "\ufeff", "bob", region, "\ufeff[profile bob]\nregion = eu-west-3\n"},
		{"at the end", "# mine\n[default]\noutput=json\n", "bob", region, "# mine\n[default]\noutput=json\n\n[profile bob]\nregion = eu-west-3\n"},
		{"no final newline", "[default]", "bob", region, "[default]\n\n[profile bob]\nregion = eu-west-3\n"},
		{"carriage returns", "[default]\r\n", "bob", region, "[default]\r\n\r\n[profile bob]\r\nregion = eu-west-3\r\n"},
		{"old Macintosh", "[default]\r", "bob", region, "[default]\r\r[profile bob]\rregion = eu-west-3\r"},
		{"quoted", "", "my prod", region, "[profile \"my prod\"]\nregion = eu-west-3\n"},
		{"quoted quotes", "", `a"b\c`, nil, `[profile "a\"b\\c"]` + "\n"},
		{"empty value", "", "bob", []Setting{{"mfa_serial", ""}}, "[profile bob]\nmfa_serial =\n"},
		{"given twice", "", "bob", []Setting{{"region", "eu-west-1"}, {"region", "eu-west-3"}}, "[profile bob]\nregion = eu-west-3\n"},

		{"replaced", "[default]\nregion=eu-west-1\noutput = json\n", "default", region, "[default]\nregion=eu-west-3\noutput = json\n"},
		{"blanks stay", "[default]\n  Region\t:  eu-west-1  \r\n", "default", region, "[default]\n  Region\t:  eu-west-3  \r\n"},
		{"comment stays", "[default]\nregion = eu-west-1  # home\n", "default", region, "[default]\nregion = eu-west-3  # home\n"},
		{"comment of an empty value", "[default]\nregion = # home\n", "default", region, "[default]\nregion = eu-west-3 # home\n"},
		{"emptied", "[default]\nregion = eu-west-1 # home\n", "default", []Setting{{"region", ""}}, "[default]\nregion =  # home\n"},
		{"no comment", "[default]\ncredential_process = a # b\n", "default", []Setting{{"credential_process", "c"}}, "[default]\ncredential_process = c\n"},
		{"was empty", "[default]\nregion =\n", "default", region, "[default]\nregion = eu-west-3\n"},
		{"was empty with a blank", "[default]\nregion = \n", "default", region, "[default]\nregion = eu-west-3 \n"},
		{"the last counts", "[default]\nregion=a\nregion=b\n", "default", region, "[default]\nregion=a\nregion=eu-west-3\n"},
		{"several lines", "[default]\nsession_tags = a=b,\n  # why\n  c=d,\n\n  e=f\noutput = json\n", "default", []Setting{{"session_tags", "g=h"}},
			"[default]\nsession_tags = g=h\n  # why\n\noutput = json\n"},
		{"no final newline there", "[default]\nregion = a", "default", region, "[default]\nregion = eu-west-3"},
		{"twice the same", "[profile p]\nregion = a\n[profile p]\noutput = json\n", "p", region, "[profile p]\nregion = eu-west-3\n[profile p]\noutput = json\n"},

		{"added after the last key", "[profile p]\n\toutput = json\n\n# about q\n[profile q]\n", "p", region, "[profile p]\n\toutput = json\n\tregion = eu-west-3\n\n# about q\n[profile q]\n"},
		{"added after a long value", "[profile p]\nmfa_process = a\n  b\n\n[profile q]\n", "p", region, "[profile p]\nmfa_process = a\n  b\nregion = eu-west-3\n\n[profile q]\n"},
		{"added to nothing", "[profile p]\n# none yet\n[profile q]\n", "p", region, "[profile p]\nregion = eu-west-3\n# none yet\n[profile q]\n"},
		{"added before a deep header", "[profile p]\n  [profile q]\n", "p", region, "[profile p]\n  region = eu-west-3\n  [profile q]\n"},
		{"added without final newline", "[profile p]\noutput = json", "p", region, "[profile p]\noutput = json\nregion = eu-west-3"},
		{"added to a lone header", "[profile p]", "p", region, "[profile p]\nregion = eu-west-3"},
		{"added in order", "[profile p]\r\n", "p", []Setting{{"region", "eu-west-3"}, {"output", "json"}}, "[profile p]\r\nregion = eu-west-3\r\noutput = json\r\n"},
		{"added where it counts", "[profile default]\n[default]\n", "default", region, "[profile default]\nregion = eu-west-3\n[default]\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := WithProfile(config(t, c.text), c.profile, c.settings)
			if err != nil || string(got) != c.want {
				t.Errorf("%q, error %v\nwant %q", got, err, c.want)
			}
		})
	}
}

func TestCredentialsWithProfile(t *testing.T) {
	got, err := WithProfile(credentials(t, "[bob]\n"), "my prod", []Setting{{"aws_access_key_id", "AKIAIOSFODNN7EXAMPLE"}})
	if want := "[bob]\n\n[my prod]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n"; err != nil || string(got) != want {
		t.Errorf("%q, error %v, want %q", got, err, want)
	}
	for _, name := range []string{"DEFAULT", " bob", "a]"} {
		if _, err := WithProfile(credentials(t, ""), name, nil); !isOurs(err) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestWithProfileRefuses(t *testing.T) {
	for _, c := range []struct{ name, setting, value, want string }{
		{"", "region", "eu-west-1", `name is malformed, expected a profile name without control characters or ]`},
		{"a]b", "region", "eu-west-1", `name is "a]b", expected a profile name without control characters or ]`},
		{"a\nb", "region", "eu-west-1", `name is "a…", expected a profile name without control characters or ]`},
		{"a\x00", "region", "eu-west-1", `name is "a\u0000", expected a profile name without control characters or ]`},
		{"a\xff", "region", "eu-west-1", `name is "a\xff", expected a profile name without control characters or ]`},
		{"p", "regin", "eu-west-1", `setting is "regin", expected a setting that can be in the config file`},
		{"p", "min_ttl", "5m", `setting is "min_ttl", expected a setting that can be in the config file`},
		{"p", "region", "eu west", `region is "eu west", expected a region, such as eu-west-1`},
		{"p", "credential_process", "a\nb", `credential_process is "a…", expected one line of text without blanks around it`},
		{"p", "credential_process", " a", `credential_process is " a", expected one line of text without blanks around it`},
		{"p", "credential_process", "a\u00a0", "credential_process is \"a\u00a0\", expected one line of text without blanks around it"},
		{"p", "source_profile", "a #b", `source_profile is "a #b", expected a value without " #" or " ;"`},
		{"p", "source_profile", "#b", `source_profile is "#b", expected a value without " #" or " ;"`},
		{"broken", "region", "eu-west-1", `config:2: found a line without "=" or ":", expected KEY = VALUE`},
	} {
		f := config(t, "[profile broken]\njunk\n")
		text, err := WithProfile(f, c.name, []Setting{{c.setting, c.value}})
		if text != nil || err == nil || !isOurs(err) || err.Error() != c.want {
			t.Errorf("%q %s = %q: %v\nwant %s", c.name, c.setting, c.value, err, c.want)
		}
	}
	huge := config(t, strings.Repeat("#", maxFile))
	var syntax *SyntaxError
	if _, err := WithProfile(huge, "p", nil); !errors.As(err, &syntax) {
		t.Errorf("a file over the limit: %v", err)
	}
}

// verify refuses a text in which an edit changed something else.
func TestVerifyComparesOtherSettings(t *testing.T) {
	text := "[profile a]\nregion = eu-west-1\noutput = json\n[services s]\nk = v\n[profile b]\noutput = json\n"
	settings := []Setting{{"region", "eu-west-3"}}
	edited := strings.Replace(text, "eu-west-1", "eu-west-3", 1)
	for _, c := range []struct {
		name, text string
		ok         bool
	}{
		{"the requested change", edited, true},
		{"another setting of the profile", strings.Replace(edited, "json", "text", 1), false},
		{"a setting of another profile", edited[:len(edited)-5] + "text\n", false},
		{"a setting of another section", strings.Replace(edited, "k = v", "k = w", 1), false},
		{"a setting less", strings.Replace(edited, "output = json\n", "", 1), false},
		{"a setting more", edited + "region = eu-west-1\n", false},
		{"a line that is bad", edited + "junk\n", false},
		{"a section less", strings.Replace(edited, "[services s]\nk = v\n", "", 1), false},
		{"a section more", edited + "[x]\n", false},
		{"another header", strings.Replace(edited, "[services s]", "[services t]", 1), false},
	} {
		if err := verify(config(t, text), "a", settings, c.text); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// fragments are valid and invalid lines of config files.
var fragments = []string{
	"[default]", "[profile a]", `[profile "a b"]`, "  [profile c]", "[profile default]", "[sso-session s]", "[services v]",
	"[profile open", "[preview]", "region = eu-west-1", "\tregion: us-east-1 # x", "REGION=a", "region =", "  = x", "junk",
	"# comment", " ; comment", "", "   ", "output = json", "  more", "    [profile deep]", "session_tags = a=b,", "sso_session = s",
	"include_profile = a", "source_profile = a b", "mfa_process = x ; y", "\u00a0output = text",
}

func randomText(r *rand.Rand) string {
	var b strings.Builder
	eol := []string{"\n", "\r\n", "\r"}[r.IntN(3)]
	if r.IntN(8) == 0 {
		b.WriteString(byteOrderMark)
	}
	for range r.IntN(14) {
		b.WriteString(fragments[r.IntN(len(fragments))] + eol)
	}
	text := b.String()
	if r.IntN(4) == 0 {
		text = strings.TrimSuffix(text, eol)
	}
	return text
}

// Settings that an edit writes can be read back, and all other settings stay the same.
func TestEditsReadBack(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	names := []string{"default", "a", "a b", "c", "new", `q"u'o\te`, "deep"}
	values := []Setting{{"region", "eu-west-3"}, {"region", ""}, {"output", "text"}, {"credential_process", "a = b # c"}, {"session_tags", "x=y"}}
	written := 0
	for range 20_000 {
		text := randomText(r)
		f := config(t, text)
		name := names[r.IntN(len(names))]
		settings := []Setting{values[r.IntN(len(values))], values[r.IntN(len(values))]}
		out, err := WithProfile(f, name, settings)
		if err != nil {
			if !isOurs(err) {
				t.Fatalf("%q: %v", text, err)
			}
			continue
		}
		written++
		checkEdit(t, f, name, settings, string(out))
	}
	if written < 10_000 {
		t.Errorf("only %d edits written", written)
	}
}

func checkEdit(t *testing.T, f *File, name string, settings []Setting, out string) {
	t.Helper()
	again, err := Parse("config", []byte(out))
	if err != nil {
		t.Fatalf("%q became %q: %v", f.text, out, err)
	}
	changed := map[string]bool{}
	b, err := again.body(profileSection, name)
	if err != nil {
		t.Fatalf("%q became %q: %v", f.text, out, err)
	}
	for _, s := range dropRepeated(settings) {
		changed[s.Name] = true
		if v, ok := b.value(settingNamed(s.Name)); !ok || v.Text != s.Value {
			t.Fatalf("%q became %q: %s of %s is %q", f.text, out, s.Name, name, v.Text)
		}
	}
	now := readings(again)
	for other, was := range readings(f) {
		if got := now[other]; got != was && !(strings.HasPrefix(other, name+"/") && changed[strings.TrimPrefix(other, name+"/")]) {
			t.Fatalf("%q became %q: %s was %q, is %q", f.text, out, other, was, got)
		}
	}
	if lines := commentLines(f.text); !slices.Equal(lines, commentLines(out)) {
		t.Fatalf("%q became %q: comments %q", f.text, out, lines)
	}
}

// readings returns the values of all settings in a file. The keys of the map are NAME/KEY.
func readings(f *File) map[string]string {
	all := map[string]string{}
	for _, name := range f.Profiles() {
		b, err := f.body(profileSection, name)
		if err != nil {
			all[name] = err.Error()[strings.Index(err.Error(), " "):]
			continue
		}
		for k, v := range b.keys {
			all[name+"/"+k] = v.value
		}
	}
	return all
}

func commentLines(text string) []string {
	var all []string
	for line := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == '\n' || r == '\r' }) {
		if c := trim(line); c != "" && (c[0] == '#' || c[0] == ';') {
			all = append(all, line)
		}
	}
	return all
}

// Replacing a value does not change any byte before or after it.
func TestWithProfileKeepsOtherLines(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		before, after := randomText(r), randomText(r)
		if before != "" && !strings.HasSuffix(before, "\n") && !strings.HasSuffix(before, "\r") {
			before += "\n"
		}
		head, tail := before+"[profile only]\nregion = ", "\n[profile last]\n"+strings.TrimPrefix(after, byteOrderMark)
		f := config(t, head+"eu-west-1"+tail)
		out, err := WithProfile(f, "only", []Setting{{"region", "eu-west-3"}})
		if err != nil || string(out) != head+"eu-west-3"+tail {
			t.Fatalf("%q became %q, error %v", f.text, out, err)
		}
	}
}

// Settings that are written to a file one by one are read back unchanged.
func TestFormatAndParse(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	good := []string{"region", "output", "mfa_serial", "role_arn", "external_id", "duration_seconds", "credential_process", "session_tags", "sso_start_url"}
	for range 300 {
		f := config(t, "")
		want := map[string]string{}
		var names []string
		for i := range r.IntN(6) {
			name := fmt.Sprintf("%c %d", 'a'+rune(r.IntN(26)), i)
			names = append(names, name)
			for range r.IntN(5) {
				s := good[r.IntN(len(good))]
				v := examples[s].good[r.IntN(len(examples[s].good))]
				out, err := WithProfile(f, name, []Setting{{s, v}})
				if err != nil {
					t.Fatal(err)
				}
				f = config(t, string(out))
				want[name+"/"+s] = v
			}
		}
		for _, name := range names {
			p := resolve(t, f, name, Inputs{})
			for _, s := range good {
				if got := p.Text(s); got != want[name+"/"+s] {
					t.Fatalf("%q: %s of %s is %q, want %q", f.text, s, name, got, want[name+"/"+s])
				}
			}
		}
	}
}
