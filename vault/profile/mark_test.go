package profile

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

const mark = "# written by a test"

var own = []Setting{{"sso_session", "x"}, {"sso_account_id", ""}}

// WithoutMarked restores the text that WithMarked changed, except for line endings at the end of the text.
func TestMarkedRoundTrip(t *testing.T) {
	for _, text := range []string{
		"", "[default]\n", "# c\n\n[profile a]\nregion = eu-west-1\n", "[profile a]\r\nregion = eu-west-1\r\n",
		"[profile a]\nregion = eu-west-1\n\n\n", "  [profile a]\n  region = eu-west-1\n",
	} {
		f, err := Parse("config", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		with, err := WithMarked(f, "b", mark, []Setting{{"sso_account_id", "123456789012"}})
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		g, err := Parse("config", with)
		if err != nil {
			t.Fatal(err)
		}
		if got := g.Marked(mark); !slices.Equal(got, []string{"b"}) {
			t.Errorf("%q: marked are %q", with, got)
		}
		p, err := g.Resolve("b", Inputs{})
		if err != nil || p.Text("sso_account_id") != "123456789012" {
			t.Errorf("%q: reads back as %q, %v", with, p.Text("sso_account_id"), err)
		}
		back, ok := WithoutMarked(g, "b", mark, own)
		if !ok || strings.TrimRight(string(back), "\r\n") != strings.TrimRight(text, "\r\n") {
			t.Errorf("%q came back as %q", text, back)
		}
	}
}

func TestEditedMarkedProfileStays(t *testing.T) {
	ours := "[profile b]\n" + mark + "\nsso_account_id = 123456789012\n"
	for _, c := range []struct {
		name, text, want string // want is the new text, or "stays" if the profile is not removed
	}{
		{"alone", ours, ""},
		{"before another", ours + "\n# mine\n[profile c]\nregion = x-y-1\n", "\n# mine\n[profile c]\nregion = x-y-1\n"},
		{"behind another", "[profile a]\n\n" + ours, "[profile a]\n"},
		{"a setting of the user's", ours + "region = eu-west-1\n", "stays"},
		{"a comment of the user's", "[profile b]\n" + mark + "\n# mine\nsso_account_id = 123456789012\n", "stays"},
		{"another account", strings.Replace(ours, "1234", "2222", 1), ""},
		{"the session", ours + "sso_session = x\n", ""},
		{"another session", ours + "sso_session = y\n", "stays"},
		{"a comment after a value", ours + "sso_session = x # mine\n", "stays"},
		{"a value on two lines", ours + "sso_session = x\n  y\n", "stays"},
		{"a line that is bad", ours + "nonsense\n", "stays"},
		{"a second section", ours + "[profile b]\nregion = eu-west-1\n", "stays"},
		{"no mark", "[profile b]\nsso_account_id = 123456789012\n", "stays"},
		{"a mark elsewhere", "[profile b]\nsso_account_id = 123456789012\n" + mark + "\n", "stays"},
		{"no such profile", "", "stays"},
	} {
		f, err := Parse("config", []byte(c.text))
		if err != nil {
			t.Fatal(err)
		}
		text, ok := WithoutMarked(f, "b", mark, own)
		if ok != (c.want != "stays") || ok && string(text) != c.want {
			t.Errorf("%s: %v, %q", c.name, ok, text)
		}
	}
}

// In a credentials file, the mark follows a header without the word "profile".
func TestMarkedInCredentialsFile(t *testing.T) {
	f, err := ParseCredentials("credentials", "[a]\naws_access_key_id = AKIAEXAMPLE\n")
	if err != nil {
		t.Fatal(err)
	}
	with, err := WithMarked(f, "b c", mark, []Setting{{"sso_account_id", "123456789012"}})
	if err != nil {
		t.Fatal(err)
	}
	if want := f.text + "\n[b c]\n" + mark + "\nsso_account_id = 123456789012\n"; string(with) != want {
		t.Errorf("the text is %q, want %q", with, want)
	}
}

func TestMarkedRefuses(t *testing.T) {
	f, err := Parse("config", []byte("[profile a]\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, mark, value string }{
		{"a", mark, "123456789012"}, {"b", "no comment", "123456789012"}, {"b", "# two\nlines", "123456789012"}, {"b", mark, "12"},
	} {
		var e *ValueError
		if _, err := WithMarked(f, c.name, c.mark, []Setting{{"sso_account_id", c.value}}); !errors.As(err, &e) {
			t.Errorf("%q: %v", c, err)
		}
	}
}

func TestChangesOmitUnchangedLines(t *testing.T) {
	f, err := Parse("config", []byte("[profile a]\naws_secret_access_key = EXAMPLE\n[profile b]\nregion = eu-west-1\n"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := WithProfile(f, "b", []Setting{{"region", "eu-west-2"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := Changes(f, text); got != "-region = eu-west-1\n+region = eu-west-2\n" {
		t.Errorf("changes are %q", got)
	}
}

// FuzzWithoutMarked checks that only the marked profile is removed and that all other profiles stay the
// same.
func FuzzWithoutMarked(f *testing.F) {
	f.Add("[profile a]\nregion = eu-west-1\n\n[profile b]\n" + mark + "\nsso_account_id = 123456789012\n\n# mine\n[profile c]\n k = v\n  more\n")
	f.Add("[profile b]\r\n" + mark + "\r\nsso_session = x\r\n[profile c]\r\n")
	f.Add("  [profile b]\n  " + mark + "\n   sso_session = x\n[profile c]\n")
	f.Add("[profile 0]\n" + mark + "\n#\x00")
	f.Add("[profile a]\nk =\n\n[profile b]\n" + mark + "\n [open\nbad") // without b, " [open" would be part of k's value
	f.Fuzz(func(t *testing.T, text string) {
		file, err := Parse("config", []byte(text))
		if err != nil {
			return
		}
		for _, name := range file.Marked(mark) {
			after, ok := WithoutMarked(file, name, mark, own)
			if !ok {
				continue
			}
			g, err := Parse("config", after)
			if err != nil {
				t.Fatal(err)
			}
			if want := slices.DeleteFunc(file.Profiles(), func(n string) bool { return n == name }); !slices.Equal(g.Profiles(), want) {
				t.Fatalf("without %q there are %q, want %q", name, g.Profiles(), want)
			}
			for _, other := range g.Profiles() {
				was, wasErr := file.body(profileSection, other)
				is, isErr := g.body(profileSection, other)
				if (wasErr == nil) != (isErr == nil) {
					t.Fatalf("%q: %v became %v", other, wasErr, isErr)
				}
				if wasErr != nil {
					continue
				}
				for key, k := range was.keys {
					if is.keys[key].value != k.value {
						t.Fatalf("%s of %q was %q and is %q", key, other, k.value, is.keys[key].value)
					}
				}
			}
		}
	})
}
