package source

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

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

// loginDisagreements lists the shared cases about sign-ins of aws login that end differently, with the reason.
var loginDisagreements = map[string]string{
	"Success - Expired token triggers successful refresh": "a sign-in that belongs to the AWS CLI is not renewed, because its refresh token can be used only once",
}

// AWS's shared cases for files that the AWS CLI writes after aws login.
func TestSmithyLoginFiles(t *testing.T) {
	var cases []struct {
		Documentation string
		CacheContents map[string]json.RawMessage
		Outcomes      []struct{ Result, AccessKeyID, SecretAccessKey, SessionToken, AccountID string }
	}
	raw, err := os.ReadFile("testdata/smithy/login-provider-test-cases.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &cases); err != nil || len(cases) < 8 {
		t.Fatalf("%d cases, error %v", len(cases), err)
	}
	for _, c := range cases {
		r := newLoginFixture(t)
		for name, text := range c.CacheContents {
			if err := os.WriteFile(filepath.Join(r.Logins.Dir, name), text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		spec := plan.Login{Session: "arn:aws:sts::012345678910:assumed-role/Admin/admin"}
		if spec.SignIn, err = r.LoginSignInID(t.Context(), spec); err != nil {
			t.Fatal(err)
		}
		s := r.step(plan.KindLogin, spec)
		got, err := r.Create(t.Context(), s, aws.Credentials{})
		want := c.Outcomes[0]
		agrees := err != nil && want.Result == "error" ||
			err == nil && got.AccessKeyID == want.AccessKeyID && got.SecretAccessKey == want.SecretAccessKey && got.SessionToken == want.SessionToken
		if reason, listed := loginDisagreements[c.Documentation]; agrees == listed {
			t.Errorf("%s: key %q, error %v, want %s %q (%s)", c.Documentation, got.AccessKeyID, err, want.Result, want.AccessKeyID, reason)
		}
	}
}
