package profile

import (
	"errors"
	"slices"
	"testing"
)

var errShared = errors.New("config can be changed by all users")

// TestUntrustedSettings checks for each setting whether it is refused in a file that is not trusted. A setting
// that runs a program or writes to a file must be in the list.
func TestUntrustedSettings(t *testing.T) {
	const runs = "runs a program"
	effects := map[string]string{
		"credential_process": runs, "mfa_process": runs, "web_identity_token_process": runs, "audit": "writes to a file",
	}
	for i := range settings {
		s := &settings[i]
		if s.noFile {
			continue
		}
		example := s.fileRule.example
		if example == "" || !s.fileRule.ok(example) {
			continue
		}
		f := config(t, "[profile p]\n"+s.name+" = "+example+"\n[profile q]\nsource_profile = p\n")
		_, before := f.Resolve("p", Inputs{})
		f = f.WithTrust(Trust{Refused: errShared})
		for _, name := range []string{"p", "q"} {
			_, err := f.Resolve(name, Inputs{})
			var untrusted *UntrustedError
			refused := errors.As(err, &untrusted)
			if refused != (effects[s.name] != "") {
				t.Errorf("%s of profile %s: %v", s.name, name, err)
			}
			if refused && (untrusted.Setting != s.name || untrusted.Origin.Line != 2 || !errors.Is(err, errShared) ||
				err.Error() != "config:2: "+s.name+" "+effects[s.name]+", but config can be changed by all users") {
				t.Errorf("%s: %+v", s.name, err)
			}
			if before != nil && refused {
				t.Errorf("%s: was refused before: %v", s.name, before)
			}
		}
	}
}

// TestTrustOfEachFile checks that a program is refused only if its own file is refused, and only if it would be run.
func TestTrustOfEachFile(t *testing.T) {
	const program = "[profile p]\ncredential_process = tool\n"
	refused := Trust{Refused: errShared}
	for name, c := range map[string]struct {
		config, credentials string
		trust, secondTrust  Trust
		want                bool // whether profile p is refused
	}{
		"config":                   {program, "", refused, Trust{}, true},
		"credentials":              {"", "[p]\ncredential_process = tool\n", Trust{}, refused, true},
		"the other file":           {program, "[p]\nregion = eu-west-1\n", Trust{}, refused, false},
		"the config file counts":   {program, "[p]\ncredential_process = other\n", Trust{}, refused, false},
		"another profile":          {"[profile p]\nregion = eu-west-1\n[profile q]\ncredential_process = tool\n", "", refused, Trust{}, false},
		"inherited from [default]": {"[default]\nmfa_process = tool\n[profile p]\nregion = eu-west-1\n", "", refused, Trust{}, true},
		"included":                 {"[profile p]\ninclude_profile = q\n[profile q]\ncredential_process = tool\n", "", refused, Trust{}, true},
		"empty":                    {"[default]\nmfa_process = tool\n[profile p]\nmfa_process =\n", "", refused, Trust{}, false},
	} {
		credentials, err := ParseCredentials("credentials", c.credentials)
		if err != nil {
			t.Fatal(err)
		}
		_, err = config(t, c.config).WithTrust(c.trust).Resolve("p", Inputs{Credentials: credentials.WithTrust(c.secondTrust)})
		if refused := errors.Is(err, errShared); refused != c.want {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestTrustNotes(t *testing.T) {
	f := config(t, "[profile p]\nmfa_process = tool\nsource_profile = q\n[profile q]\ncredential_process = tool\n[profile r]\nregion = eu-west-1\n").
		WithTrust(Trust{Note: "careful"})
	if got := resolve(t, f, "p", Inputs{}).TrustNotes(); !slices.Equal(got, []string{"careful"}) {
		t.Errorf("got %q", got)
	}
	if got := resolve(t, f, "r", Inputs{}).TrustNotes(); got != nil {
		t.Errorf("a profile without programs has the notes %q", got)
	}
}
