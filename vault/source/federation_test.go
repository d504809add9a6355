package source

import (
	"errors"
	"strings"
	"testing"
	"time"

	"aws-vault/internal/fakeaws"
	"aws-vault/vault/awsapi"
	"aws-vault/vault/plan"
	"aws-vault/vault/policy"
)

func (r *fixture) federation(name string) plan.Step {
	s := r.step(plan.KindFederationToken, plan.FederationToken{Name: name})
	s.Duration = 2 * time.Hour
	s.Policy = policy.Policy{Inline: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`}
	return s
}

func TestFederationToken(t *testing.T) {
	r := newFixture(t)
	c := r.create(r.federation(plan.UserName))
	if c.SessionToken == "" || c.AccountID != r.world.Account || c.Expires.Sub(r.aws.Now()).Round(time.Minute) != 2*time.Hour {
		t.Errorf("got %+v", c)
	}
	r.create(r.federation("alice-at-work"))
	calls := r.wantCalls(3)
	for i, want := range []string{"GetCallerIdentity by=user/alice", "GetFederationToken name=alice duration=7200 policy=inline by=user/alice",
		"GetFederationToken name=alice-at-work duration=7200 policy=inline by=user/alice"} {
		if calls[i].String() != want {
			t.Errorf("call %d is %s, want %s", i, calls[i], want)
		}
	}
}

func TestFederationTokenFails(t *testing.T) {
	r := newFixture(t)
	r.aws.Fail(fakeaws.Fault{Action: "GetCallerIdentity", Status: 403, Code: "AccessDenied"})
	if e := failAs[*awsapi.APIError](r, r.federation(plan.UserName)); e.Action != "GetCallerIdentity" {
		t.Errorf("got %+v", e)
	}
	r.aws.Fail(fakeaws.Fault{Action: "GetFederationToken", Status: 403, Code: "AccessDenied"})
	if e := failAs[*awsapi.APIError](r, r.federation("alice")); e.Action != "GetFederationToken" || e.Resource != "alice" {
		t.Errorf("got %+v", e)
	}
	role := r.create(r.readOnly())
	r.addSecret(role.SecretAccessKey)
	r.addSecret(role.SessionToken)
	_, err := r.Create(t.Context(), r.federation(plan.UserName), role)
	var e *FederationCallerError
	if !errors.As(err, &e) || !strings.Contains(e.Caller, "assumed-role/readonly") {
		t.Errorf("got %v", err)
	}
	r.noSecret("error", err.Error())
}

// Every user gets a federated user name of valid length, and different users get different names.
func TestFederatedName(t *testing.T) {
	long := strings.Repeat("x", 64)
	seen := map[string]string{}
	for _, user := range []string{"a", "b", "alice", strings.Repeat("y", 32), strings.Repeat("z", 33), long, long[:63], long[:62] + "y"} {
		got := FederatedName(user)
		if len(got) < 2 || len(got) > 32 {
			t.Errorf("the user %q gets the name %q", user, got)
		}
		if len(user) >= 2 && len(user) <= 32 && got != user {
			t.Errorf("the user %q is a valid name, but gets the name %q", user, got)
		}
		if other, ok := seen[got]; ok {
			t.Errorf("the users %q and %q both get the name %q", user, other, got)
		}
		seen[got] = user
	}
	if got := FederatedName("a"); got != "a-ca978112" {
		t.Errorf("the user a gets the name %q", got)
	}
}
