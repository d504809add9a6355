package profile

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func parseFile(t *testing.T, path string) *File {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := Parse(path, text)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

const absent = "(absent)"

// Reasons why botocore, and therefore this package, reads a file differently from the Go SDK.
const (
	quotesStay   = "botocore reads the quotes as part of the value"
	commentStays = "botocore reads the comment as part of the value; Resolve removes it if the setting cannot contain such text"
	emptyCounts  = "botocore reads a key with an empty value; the Go SDK ignores such a key"
	valueGoesOn  = "botocore reads every line that is indented more than the key as part of the key's value"
	deepKey      = "botocore reads a line as a new key if it is not indented more than the key above; the Go SDK reads every indented line as part of the value above"
)

// disagreements lists known differences from the Go SDK, by FILE/SECTION/KEY.
var disagreements = map[string]struct{ here, reason string }{
	"arn_profile/arn:aws:sts::1234:assumed-role/My-Role/session-name/region": {`"foo-region"`, quotesStay},

	"array_profile/foo/bar": {`"one","two", "three"`, "the Go SDK reads no value here, because it treats the text as a list"},
	"array_profile/foo/qux": {"\nmoo = 123,456\ncow = 1\nmilk = 123,456", "the Go SDK reads no value here, because it treats the lines below the key as a block"},
	"array_profile/foo/zed": {`"zee"`, quotesStay},

	"commented_profile/default/region": {`"foo-region" # another comment`, commentStays},
	"commented_profile/default/output": {"json # comment again", commentStays},
	"commented_profile/default/bar":    {"123 ; comment with semi-colon", commentStays},

	"comments/profile comments/e": {"foo bar \t # comment", commentStays},
	"comments/profile comments/f": {"foo \t bar ; comment", commentStays},
	"comments/profile comments/g": {"foo\t\t# comment", commentStays},
	"comments/profile comments/h": {"foo\t\t; comment", commentStays},
	"comments/profile comments/i": {"# comment", commentStays},
	"comments/profile comments/j": {"; comment", commentStays},
	"comments/profile comments/k": {"foo # ; comment", commentStays},
	"comments/profile comments/l": {"foo ; # comment", commentStays},
	"comments/profile comments/n": {"foo #", commentStays},
	"comments/profile comments/o": {"foo ;", commentStays},

	"empty_values/foo/aws_access_key_id":     {"", emptyCounts},
	"empty_values/foo/aws_secret_access_key": {"", emptyCounts},
	"empty_values/foo/aws_session_token":     {"", emptyCounts},

	"nested_fields/foo/aws_access_key_id":     {"\naws_secret_access_key = valid;comment\naws_secret_access_key2 = valid2", "both read the same block; the Go SDK's expected value is formatted differently"},
	"nested_fields/foo/aws_session_token":     {"valid\n[bar]\naws_access_key_id = valid ; comment\naws_secret_access_key = valid\naws_session_token = valid", valueGoesOn},
	"nested_fields/foo/not_nested":            {"i", valueGoesOn},
	"nested_fields/foo/mp":                    {"\na = b\nb=c", valueGoesOn},
	"nested_fields/bar/aws_access_key_id":     {absent, valueGoesOn},
	"nested_fields/bar/aws_secret_access_key": {absent, valueGoesOn},
	"nested_fields/bar/aws_session_token":     {absent, valueGoesOn},
	"nested_fields/bar/not_nested":            {absent, valueGoesOn},
	"nested_fields/bar/mp":                    {absent, valueGoesOn},
	"nested_fields/baz/aws_access_key_id":     {"", deepKey},
	"nested_fields/baz/aws_secret_access_key": {"valid", deepKey},

	"op_sep_in_values/case6/s3":    {"\n[nested6]\nkey = valuen6", valueGoesOn},
	"op_sep_in_values/case6/key":   {"=value6", valueGoesOn},
	"op_sep_in_values/nested6/key": {absent, valueGoesOn},

	"sections_profile/default/region":          {`"foo-region"`, quotesStay},
	"simple_profile/default/region":            {`"foo-region"`, quotesStay},
	"space_lhs/hyphen-profile-name/aws region": {`"foo-region"`, quotesStay},
	"utf_8_profile/ʃʉʍΡιξ/ϝϧ":                  {`"ϟΞ΅"`, quotesStay},
}

func TestGoSDKCorpus(t *testing.T) {
	paths, err := filepath.Glob("testdata/go-ini/*_expected")
	if err != nil || len(paths) < 15 {
		t.Fatalf("%d files, error %v", len(paths), err)
	}
	used := map[string]bool{}
	for _, path := range paths {
		want := expected(t, path)
		got := readAll(t, strings.TrimSuffix(path, "_expected"))
		prefix := strings.TrimSuffix(filepath.Base(path), "_expected") + "/"
		for at := range mergedKeys(want, got) {
			w, g := valueOr(want, at), valueOr(got, at)
			if d, ok := disagreements[prefix+at]; ok {
				used[prefix+at] = true
				if g != d.here || g == w {
					t.Errorf("%s%s is %q, want %q (%s); the Go SDK has %q", prefix, at, g, d.here, d.reason, w)
				}
			} else if g != w {
				t.Errorf("%s%s is %q, want %q", prefix, at, g, w)
			}
		}
	}
	for at := range disagreements {
		if !used[at] {
			t.Errorf("no such setting: %s", at)
		}
	}
}

func expected(t *testing.T, path string) map[string]string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var sections map[string]map[string]string
	if err := json.Unmarshal(raw, &sections); err != nil {
		t.Fatal(path, err)
	}
	flat := map[string]string{}
	for name, keys := range sections {
		for k, v := range keys {
			flat[name+"/"+k] = v
		}
	}
	return flat
}

func readAll(t *testing.T, path string) map[string]string {
	t.Helper()
	f := parseFile(t, path)
	flat := map[string]string{}
	for i := range f.sections[1:] {
		s := &f.sections[i+1]
		keys, bad := f.keys(s)
		if len(bad) > 0 {
			t.Errorf("%s: %v", path, bad[0])
		}
		for _, k := range keys {
			flat[strings.TrimSpace(s.header)+"/"+k.name] = k.value
		}
	}
	return flat
}

func mergedKeys(a, b map[string]string) map[string]string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

func valueOr(m map[string]string, at string) string {
	if v, ok := m[at]; ok {
		return v
	}
	return absent
}

func TestCorpusProfiles(t *testing.T) {
	for path, want := range map[string][]string{
		"botocore/aws_bad_profile":        {"default", "my profile", "personal1"},
		"botocore/aws_config":             {"default", "personal"},
		"botocore/aws_config_bad":         {"personal"},
		"botocore/aws_config_badbytes":    nil,
		"botocore/aws_config_nested":      {"default"},
		"botocore/aws_config_nested_bad":  {"default"},
		"botocore/aws_config_nocreds":     {"default"},
		"botocore/aws_config_other":       {"default", "personal"},
		"botocore/aws_credentials":        nil,
		"botocore/aws_services_config":    {"default"},
		"botocore/aws_sso_session_config": {"default"},
		"botocore/aws_third_config":       {"default", "third"},
		"go-config/empty_creds_config":    nil,
		// The Go SDK refuses an indented header, but botocore and this package accept it.
		"go-config/leading_ws":                {"leading-whitespace-error"},
		"go-config/leading_ws_trailing_nl":    {"leading-whitespace-error"},
		"go-config/load_config":               {"default", "with-tab", "duplicate-profile", "partial-creds-1", "complete", "replaced-profile", "sso-session-test"},
		"go-config/load_config_secondary":     {"partial-creds-1"},
		"go-config/proc_creds_config.ini":     {"default", "not_expire", "not_alone"},
		"go-config/shared_config_invalid_ini": nil,
		"go-config/shared_config_other":       {"default", "partial_creds", "alt_profile_name", "creds_from_credentials", "config_file_load_order"},
	} {
		if got := parseFile(t, "testdata/"+path).Profiles(); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}

// Every profile of the corpus resolves, or fails with an error that names a place in its file.
func TestCorpusResolves(t *testing.T) {
	paths, err := filepath.Glob("testdata/*/*")
	if err != nil || len(paths) < 40 {
		t.Fatalf("%d files, error %v", len(paths), err)
	}
	resolved := 0
	for _, path := range paths {
		f := parseFile(t, path)
		for _, name := range f.Profiles() {
			_, err := f.Resolve(name, Inputs{})
			if err == nil {
				resolved++
			} else if !isOurs(err) || !strings.HasPrefix(err.Error(), path+":") {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if resolved < 20 {
		t.Errorf("only %d profiles resolved", resolved)
	}
}

func isOurs(err error) bool {
	var (
		value   *ValueError
		syntax  *SyntaxError
		loop    *LoopError
		missing *MissingError
	)
	return errors.As(err, &value) || errors.As(err, &syntax) || errors.As(err, &loop) || errors.As(err, &missing)
}

func TestCorpusValues(t *testing.T) {
	for _, c := range []struct{ path, profile, setting, want string }{
		{"botocore/aws_config", "personal", "aws_access_key_id", "fie"},
		{"botocore/aws_config_bad", "personal", "aws_secret_access_key", "baz"},
		{"botocore/aws_config_nested", "default", "region", "us-west-2"},
		{"botocore/aws_config_nested_bad", "default", "region", "us-west-2"},
		{"botocore/aws_sso_session_config", "default", "sso_start_url", "https://example.com"},
		{"botocore/aws_sso_session_config", "default", "sso_region", "us-east-1"},
		{"go-config/load_config", "default", "region", "ap-north-1"},
		{"go-config/load_config", "with-tab", "region", "cn-north-1"},
		{"go-config/load_config", "duplicate-profile", "region", "us-west-2"},
		{"go-config/load_config", "replaced-profile", "region", "eu-west-1"},
		{"go-config/load_config", "sso-session-test", "sso_region", "us-west-2"},
		{"go-config/config_source_shared", "sso_and_static", "aws_access_key_id", "sso_and_static_akid"},
		{"go-config/config_source_shared", "sso_and_static", "sso_account_id", "012345678901"},
	} {
		p, err := parseFile(t, "testdata/"+c.path).Resolve(c.profile, Inputs{})
		if err != nil {
			t.Error(err)
		} else if got := p.Text(c.setting); got != c.want {
			t.Errorf("%s: %s of %s is %q, want %q", c.path, c.setting, c.profile, got, c.want)
		}
	}
}
