package profile

import (
	"testing"
)

// config parses the text of a config file. Error messages call the file "config".
func config(t *testing.T, text string) *File {
	t.Helper()
	f, err := Parse("config", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func credentials(t *testing.T, text string) *File {
	t.Helper()
	f, err := ParseCredentials("credentials", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func env(variables map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		v, ok := variables[name]
		return v, ok
	}
}

func resolve(t *testing.T, f *File, name string, in Inputs) *Profile {
	t.Helper()
	p, err := f.Resolve(name, in)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// fails checks that a profile cannot be resolved, and returns the error message.
func fails(t *testing.T, f *File, name string, in Inputs) string {
	t.Helper()
	p, err := f.Resolve(name, in)
	if err == nil {
		t.Fatalf("%s resolved to %v", name, p.values)
	}
	if !isOurs(err) {
		t.Errorf("%T: %v", err, err)
	}
	return err.Error()
}
