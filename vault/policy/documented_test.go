package policy

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// TestDocumentedPolicies checks trust policies of the kinds that AWS and CI providers document. Lint must find no
// failure in them. If the first statement is changed so that somebody else can assume the role, Lint must report a
// failure.
func TestDocumentedPolicies(t *testing.T) {
	text, err := os.ReadFile("testdata/documented.json")
	if err != nil {
		t.Fatal(err)
	}
	var documented []struct {
		Name, URL string
		Policy    struct {
			Version   string
			Statement []map[string]any
		}
		Broken []struct {
			Rule   string
			Change map[string]any // new members of the first statement; null deletes a member
		}
	}
	if err := json.Unmarshal(text, &documented); err != nil {
		t.Fatal(err)
	}
	lint := func(policy any) string {
		t.Helper()
		text, err := json.Marshal(policy)
		if err != nil {
			t.Fatal(err)
		}
		found, err := Lint(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		var failures []string
		for _, f := range found {
			if f.Severity == Failure {
				failures = append(failures, f.Rule)
			}
		}
		return strings.Join(failures, " ")
	}
	for _, d := range documented {
		if !strings.HasPrefix(d.URL, "https://") || len(d.Broken) == 0 {
			t.Errorf("%s has the address %q and %d broken variants", d.Name, d.URL, len(d.Broken))
		}
		if got := lint(d.Policy); got != "" {
			t.Errorf("%s: found %s, want no failure", d.Name, got)
		}
		for _, b := range d.Broken {
			original := d.Policy.Statement[0]
			changed := map[string]any{}
			for _, members := range []map[string]any{original, b.Change} {
				for name, value := range members {
					changed[name] = value
					if value == nil {
						delete(changed, name)
					}
				}
			}
			d.Policy.Statement[0] = changed
			if got := lint(d.Policy); got != b.Rule {
				t.Errorf("%s with %v: found %q, want %s", d.Name, b.Change, got, b.Rule)
			}
			d.Policy.Statement[0] = original
		}
	}
}
