package keystore

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"aws-vault/vault/disk"
)

// withBackends replaces the list of backends for the duration of a test.
func withBackends(t *testing.T, fakes ...backend) {
	old := backends
	backends = func(Config) []backend { return fakes }
	t.Cleanup(func() { backends = old })
}

func fake(name string, err error) backend {
	return backend{name: name, open: func(context.Context, Config) (*Keystore, error) {
		if err != nil {
			return nil, err
		}
		return &Keystore{Name: name}, nil
	}}
}

var errSlow = errors.New("no answer in time")

func unavailable(name string) error {
	return &UnavailableError{Backend: name, Reason: "not in this test"}
}

func TestOpenChoosesBackend(t *testing.T) {
	byName := fake("last", nil)
	byName.onlyByName = true
	tests := []struct {
		name        string
		fakes       []backend
		backendName string
		want        string
		passed      int
		err         error
	}{
		{"the first", []backend{fake("a", nil), fake("b", nil)}, "", "a", 0, nil},
		{"the first available", []backend{fake("a", unavailable("a")), fake("b", nil)}, "", "b", 1, nil},
		{"the named", []backend{fake("a", nil), fake("b", nil)}, "b", "b", 0, nil},
		{"no other if the first is locked", []backend{fake("a", &LockedError{Backend: "a"}), fake("b", nil)}, "", "", 0, ErrLocked},
		{"no other if the first times out", []backend{fake("a", errSlow), fake("b", nil)}, "", "", 0, errSlow},
		{"only by name, and not named", []backend{byName, fake("b", nil)}, "", "b", 0, nil},
		{"only by name, and named", []backend{fake("b", nil), byName}, "last", "last", 0, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			withBackends(t, test.fakes...)
			k, err := Open(t.Context(), Config{Backend: test.backendName, State: disk.NewFolder(t.TempDir())})
			if !errors.Is(err, test.err) {
				t.Fatalf("Open returned %v, want %v", err, test.err)
			}
			if err == nil && (k.Name != test.want || len(k.Skipped) != test.passed) {
				t.Errorf("Open opened %s and skipped %d, want %s and %d", k.Name, len(k.Skipped), test.want, test.passed)
			}
		})
	}
}

func TestOpenNoKeystore(t *testing.T) {
	withBackends(t, fake("a", unavailable("a")), fake("b", unavailable("b")))
	logged := 0
	_, err := Open(t.Context(), Config{State: disk.NewFolder(t.TempDir()), Debug: func(string, ...any) { logged++ }})
	var none *NoKeystoreError
	var unavailable *UnavailableError
	if !errors.As(err, &none) || len(none.Skipped) != 2 || !errors.As(err, &unavailable) || logged != 2 {
		t.Errorf("Open returned %v and logged %d lines, want a *NoKeystoreError with two", err, logged)
	}
	if text := err.Error(); !strings.Contains(text, `"a"`) || !strings.Contains(text, `"b"`) || strings.Contains(text, "\n") {
		t.Errorf("the error text is %q", text)
	}
}

func TestOpenUnknownBackend(t *testing.T) {
	var unavailable *UnavailableError
	_, err := Open(t.Context(), Config{Backend: "missing", State: disk.NewFolder(t.TempDir())})
	if !errors.As(err, &unavailable) || !strings.Contains(err.Error(), "file") {
		t.Errorf("an unknown keystore returned %v", err)
	}
}

func TestBackends(t *testing.T) {
	if names := Backends(); !slices.Contains(names, "file") {
		t.Errorf("Backends() = %q, want file among them", names)
	}
}

func TestErrors(t *testing.T) {
	for _, test := range []struct {
		err  error
		want string
	}{
		{&LockedError{Backend: "secret-service", Reason: "the prompt was dismissed"}, "secret-service is locked: the prompt was dismissed"},
		{&UnavailableError{"pass", "no store"}, `keystore "pass" is not available: no store`},
		{&DamagedError{"prod", "/keys", errTampered}, `damaged item "prod" in /keys: ` + errTampered.Error()},
		{&NameError{"..", "is a step in a path"}, `item name "..": is a step in a path`},
	} {
		if test.err.Error() != test.want {
			t.Errorf("the text of %T is %q, want %q", test.err, test.err, test.want)
		}
	}
}

func TestSurvey(t *testing.T) {
	byName := fake("last", nil)
	byName.onlyByName = true
	locked := &LockedError{Backend: "b", Reason: "the prompt was dismissed"}
	for _, test := range []struct {
		name, backendName, chosen string
		fakes                     []backend
	}{
		{"the first available", "", "b", []backend{fake("a", unavailable("a")), fake("b", nil), fake("c", nil)}},
		{"the first is locked", "", "b", []backend{fake("a", unavailable("a")), fake("b", locked), fake("c", nil)}},
		{"the named", "c", "c", []backend{fake("a", nil), fake("b", nil), fake("c", unavailable("c"))}},
		{"only by name, and named", "last", "last", []backend{fake("a", nil), byName}},
		{"only by name, and not named", "", "", []backend{fake("a", unavailable("a")), byName}},
	} {
		t.Run(test.name, func(t *testing.T) {
			withBackends(t, test.fakes...)
			chosen := ""
			all := Survey(t.Context(), Config{Backend: test.backendName, State: disk.NewFolder(t.TempDir())})
			for _, s := range all {
				if s.Chosen {
					chosen += s.Backend
				}
			}
			if chosen != test.chosen || len(all) != len(test.fakes) {
				t.Errorf("Survey chose %q of %d, want %q of %d", chosen, len(all), test.chosen, len(test.fakes))
			}
			k, err := Open(t.Context(), Config{Backend: test.backendName, State: disk.NewFolder(t.TempDir())})
			if err == nil && k.Name != chosen {
				t.Errorf("Open opened %q, but Survey chose %q", k.Name, chosen)
			}
		})
	}
}
