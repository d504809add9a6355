package profile

import (
	"os"
	"path/filepath"
	"testing"
)

func addCorpus(f *testing.F, add func(text []byte)) {
	paths, err := filepath.Glob("testdata/*/*")
	if err != nil || len(paths) < 40 {
		f.Fatalf("%d files, error %v", len(paths), err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		if len(text) < 1<<14 {
			add(text)
		}
	}
}

// For any text, every profile resolves or fails with an error of this package.
func FuzzParse(f *testing.F) {
	addCorpus(f, func(text []byte) { f.Add(text, []byte{}) })
	f.Add([]byte("[session-policy a]\npolicy = {}\n[session-policy b]\npolicy_arns = x # y\n[session-policy c]\n"), []byte{})
	f.Add([]byte("[profile a]\nsource_profile = b\n[profile b]\ninclude_profile = a\n"), []byte("[a]\nregion = eu-west-1\n"))
	f.Fuzz(func(t *testing.T, text, credentialsText []byte) {
		file, err := Parse("config", text)
		if err != nil {
			if !isOurs(err) {
				t.Fatal(err)
			}
			return
		}
		in := Inputs{}
		if in.Credentials, err = ParseCredentials("credentials", credentialsText); err != nil && !isOurs(err) {
			t.Fatal(err)
		}
		for _, name := range append(file.Profiles(), "nobody") {
			p, err := file.Resolve(name, in)
			if (p == nil) != (err != nil) || err != nil && !isOurs(err) {
				t.Fatalf("%q: %v, error %v", name, p, err)
			}
			if name != "nobody" && p != nil && !p.Defined {
				t.Fatalf("%q is not defined", name)
			}
		}
		for _, name := range file.SessionPolicies() {
			if _, ok, err := file.SessionPolicy(name); ok == (err != nil) || err != nil && !isOurs(err) {
				t.Fatalf("session policy %q: %v, error %v", name, ok, err)
			}
		}
		for _, p := range file.Problems() {
			if p.Text == "" || p.Origin.Line == 0 {
				t.Fatalf("%+v", p)
			}
		}
	})
}

// For any file and value, WithProfile fails, or it returns a text that has the new value and no other changes.
func FuzzWithProfile(f *testing.F) {
	addCorpus(f, func(text []byte) { f.Add(text, "bob", "region", "eu-west-1") })
	f.Add([]byte("[profile a]\r\nregion = x # y\r\n"), "a", "credential_process", "a # b")
	f.Add([]byte(" [profile a]\n[profile b]"), `a "b"`, "source_profile", "a b")
	f.Fuzz(func(t *testing.T, text []byte, name, setting, value string) {
		file, err := Parse("config", text)
		if err != nil {
			return
		}
		settings := []Setting{{setting, value}}
		out, err := WithProfile(file, name, settings)
		if err != nil {
			if !isOurs(err) {
				t.Fatal(err)
			}
			return
		}
		checkEdit(t, file, name, settings, string(out))
	})
}
