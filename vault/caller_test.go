package vault_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/vault"
	"aws-vault/vault/plan"
	"aws-vault/vault/store"
	"aws-vault/vault/vaulttest"
)

// ops is a role that trusts alice and bob.
const ops = "role_arn = arn:aws:iam::123456789012:role/ops\n"

// two adds bob beside alice, and the role ops. It returns their access keys by name.
func (w *world) two() map[string]vaulttest.Key {
	w.aws.AddRole("arn:aws:iam::123456789012:role/ops", vaulttest.Role{Trusts: []string{"*"}})
	return map[string]vaulttest.Key{"alice": w.Key, "bob": w.aws.AddUser("123456789012", "bob").AddKey()}
}

// callers uses a profile once for each of the names, after become, and returns as whom AWS was called.
func (w *world) callers(t *testing.T, profile string, become func(who string), names ...string) (callers []string) {
	t.Helper()
	for _, who := range names {
		become(who)
		if _, err := w.credentials(t, profile, plan.Options{}); err != nil {
			t.Fatalf("as %s: %v", who, err)
		}
		for _, call := range w.calls() {
			callers = append(callers, call[strings.LastIndex(call, "by=")+len("by="):])
		}
	}
	return callers
}

// An endpoint is a container's or an EC2 instance's. It answers with one of the keys, and counts the answers.
type endpoint struct {
	*httptest.Server
	key     vaulttest.Key
	answers int
}

func newEndpoint(t *testing.T) *endpoint {
	e := &endpoint{}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch path := strings.TrimPrefix(r.URL.Path, "/latest/meta-data/iam/security-credentials/"); path {
		case "/latest/api/token":
			fmt.Fprint(w, "EXAMPLE-IMDS-TOKEN")
		case "":
			fmt.Fprint(w, "app")
		default:
			e.answers++
			json.NewEncoder(w).Encode(map[string]string{"AccessKeyId": e.key.ID, "SecretAccessKey": e.key.Secret})
		}
	}))
	t.Cleanup(e.Close)
	return e
}

// What a container's or an instance's endpoint answers decides which session serves, and so does which endpoint it is.
func TestEndpointOfAnother(t *testing.T) {
	for source, variable := range map[string]string{"EcsContainer": "AWS_CONTAINER_CREDENTIALS_FULL_URI", "Ec2InstanceMetadata": "AWS_EC2_METADATA_SERVICE_ENDPOINT"} {
		t.Run(source, func(t *testing.T) {
			w := newWorld(t, "[profile c]\ncredential_source = "+source+"\n"+ops)
			keys, e := w.two(), newEndpoint(t)
			w.env[variable] = e.URL
			become := func(who string) { e.key = keys[who] }
			if got, want := w.callers(t, "c", become, "alice", "alice", "bob", "bob", "alice"), []string{"user/alice", "user/bob"}; !slices.Equal(got, want) {
				t.Errorf("called as %q, want %q", got, want)
			}
			if e.answers != 5 {
				t.Errorf("%d answers, want one for each run", e.answers)
			}
			// An endpoint that knows the name of alice's key and not its secret gets nothing of hers.
			e.key = vaulttest.Key{ID: keys["alice"].ID, Secret: "EXAMPLEKEYEXAMPLEKEYEXAMPLEKEYEXAMPLEKEY"}
			if _, err := w.credentials(t, "c", plan.Options{}); err == nil {
				t.Error("the name of a key was enough for its owner's session")
			}
			w.calls()
			other := newEndpoint(t)
			other.key, w.env[variable] = keys["alice"], other.URL
			if got := w.callers(t, "c", func(string) {}, "alice"); len(got) != 1 {
				t.Errorf("%d calls for another endpoint, want one", len(got))
			}
			// Nobody answers: what is kept is not used, since it may be another's.
			other.Close()
			if _, err := w.credentials(t, "c", plan.Options{}); err == nil {
				t.Error("a session was used although it is not known whose")
			}
		})
	}
}

// A server that cannot wait for you finds out as well whose credentials its container gives.
func TestUnattendedEndpointOfAnother(t *testing.T) {
	w := newWorld(t, "[profile c]\ncredential_source = EcsContainer\n"+ops)
	keys, e := w.two(), newEndpoint(t)
	w.env["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = e.URL
	served := &vault.Unattended{Vault: w.Vault, Until: t.Context()}
	o := plan.Options{For: plan.Serve, Name: "aws-vault-alice"}
	var callers []string
	for _, who := range []string{"alice", "alice", "bob"} {
		e.key = keys[who]
		pl, err := w.Plan(t.Context(), "c", o)
		if err != nil {
			t.Fatal(err)
		}
		if len(w.Kept(pl)) != 0 {
			t.Error("a session is said to be kept although it is not known whose it would be")
		}
		if _, err := served.Credentials(t.Context(), pl, o, serveNeed); err != nil {
			t.Fatal(err)
		}
		callers = append(callers, w.calls()...)
	}
	if len(callers) != 2 || e.answers != 3 {
		t.Errorf("calls %q and %d answers, want a call for each caller and an answer for each run", callers, e.answers)
	}
}

// Where another person signs in while a session is renewed, the first one's does not serve, however long it still would.
func TestOtherCallerIsNotAnsweredWithAnOlderSession(t *testing.T) {
	w := newWorld(t, "")
	ask := store.Ask{Name: strings.Repeat("a", 32), Need: time.Minute, Question: "a question", Make: func(context.Context) (store.Made, error) {
		return store.Made{Credentials: aws.Credentials{AccessKeyID: "ASIAIOSFODNN7EXAMPLE", SecretAccessKey: "EXAMPLE", CanExpire: true, Expires: time.Now().Add(time.Hour)}}, nil
	}}
	if _, _, err := w.Sessions.Get(t.Context(), ask); err != nil {
		t.Fatal(err)
	}
	w.later = 50 * time.Minute
	ask.Need = 20 * time.Minute
	ask.Make = func(context.Context) (store.Made, error) {
		return store.Made{}, fmt.Errorf("bob signed in: %w", store.ErrOtherCaller)
	}
	if s, _, err := w.Sessions.Get(t.Context(), ask); !errors.Is(err, store.ErrOtherCaller) || s.Credentials.AccessKeyID != "" {
		t.Errorf("got %q and %v, want no session", s.Credentials.AccessKeyID, err)
	}
}
