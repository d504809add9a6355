package source

import (
	"context"
	"encoding/json"
	"os"
	"testing"

	"aws-vault/vault/plan"
)

// AWS's shared cases for the address of a container's credential endpoint.
func TestSmithyContainerEndpoints(t *testing.T) {
	var corpus struct {
		Tests []struct {
			Docs   string
			Env    map[string]string
			Result struct{ Ok, ErrorContains string }
		}
	}
	raw, err := os.ReadFile("testdata/smithy/ecs-tests.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &corpus); err != nil || len(corpus.Tests) < 11 {
		t.Fatalf("%d cases, error %v", len(corpus.Tests), err)
	}
	r := newFixture(t)
	r.LookupHost = func(context.Context, string) ([]string, error) { return []string{"127.0.0.1"}, nil }
	for _, c := range corpus.Tests {
		r.Getenv = func(name string) (string, bool) { v, ok := c.Env[name]; return v, ok }
		m := ambientSource{r.Deps, r.step(plan.KindContainer, plan.CredentialSource{Source: "EcsContainer"})}
		u, err := m.containerEndpoint(t.Context())
		switch {
		case (err != nil) != (c.Result.ErrorContains != ""):
			t.Errorf("%s: %v, error %v", c.Docs, u, err)
		case err == nil && u.String() != c.Result.Ok:
			t.Errorf("%s: %s, want %s", c.Docs, u, c.Result.Ok)
		}
	}
}
