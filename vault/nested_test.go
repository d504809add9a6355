package vault_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/internal/fakeaws"
	"aws-vault/internal/testvault"
	"aws-vault/vault"
	"aws-vault/vault/awsapi"
	"aws-vault/vault/disk"
	"aws-vault/vault/plan"
	"aws-vault/vault/profile"
	"aws-vault/vault/program"
	"aws-vault/vault/source"
	"aws-vault/vault/store"
)

// A nestedFixture is a config with profiles whose programs run aws-vault again. The runs share a state folder, a
// keystore and a fake AWS. Each run has its own locks, as if it were a separate process.
type nestedFixture struct {
	*testvault.World
	t            *testing.T
	dir          string
	config       strings.Builder
	token        string                  // token that web_identity_token_process prints
	devices      map[string]*fakeaws.MFA // MFA devices whose codes mfa_process prints, by profile
	dropsCallers bool                    // whether programs drop the variable AWS_VAULT_CALLERS
	whileRunning func()                  // called while a profile's program runs; may be nil
	mayWait      <-chan struct{}         // closed when runs may wait for each other; nil if runs must never wait
}

const onAnyRole = "role_arn = arn:aws:iam::123456789012:role/any\nrole_session_name = "

func newNestedFixture(t *testing.T) *nestedFixture {
	n := &nestedFixture{World: testvault.New(t, ""), t: t, dir: t.TempDir(), devices: map[string]*fakeaws.MFA{}}
	n.StoreKey(t, "alice")
	issuer, err := n.AWS.AddIssuer("123456789012", "corp", "sts.amazonaws.com")
	if err != nil {
		t.Fatal(err)
	}
	n.AWS.AddRole("arn:aws:iam::123456789012:role/any", fakeaws.Role{Trusts: []string{"*"}})
	n.AWS.AddRole("arn:aws:iam::123456789012:role/web", fakeaws.Role{Trusts: []string{issuer.ARN()}})
	if n.token, err = issuer.Token("alice", nil); err != nil {
		t.Fatal(err)
	}
	n.config.WriteString("[profile alice]\n")
	return n
}

// kinds are the ways in which one profile can depend on another.
var kinds = []func(name, inner string) string{
	func(name, inner string) string { return "credential_process = export " + inner + " for " + name },
	func(name, inner string) string {
		return "credential_process = export " + inner + " for " + name + "\n" + onAnyRole + name
	},
	func(name, inner string) string { return "source_profile = " + inner + "\n" + onAnyRole + name },
	func(name, inner string) string {
		return "web_identity_token_process = token " + inner + "\nrole_arn = arn:aws:iam::123456789012:role/web\nrole_session_name = " + name
	},
	func(name, inner string) string {
		return "source_profile = alice\nmfa_serial = arn:aws:iam::123456789012:mfa/" + name + "\nmfa_process = code " + inner + "\n" + onAnyRole + name
	},
}

// add adds a profile with the given name that depends on the profile inner.
func (n *nestedFixture) add(kind int, name, inner string) {
	fmt.Fprintf(&n.config, "[profile %s]\n%s\n", name, kinds[kind](name, inner))
	if strings.Contains(kinds[kind](name, inner), "mfa_serial") {
		n.devices[name] = n.Alice.AddMFA(name)
	}
}

// parseConfig parses the config with all profiles that were added.
func (n *nestedFixture) parseConfig() {
	file, err := profile.Parse("config", []byte(n.config.String()))
	if err != nil {
		n.t.Fatal(err)
	}
	n.Config = file
}

// A nestedRun is one process of aws-vault.
type nestedRun struct {
	nest    *nestedFixture
	callers []string       // value of AWS_VAULT_CALLERS
	held    []program.Lock // value of AWS_VAULT_HELD_LOCKS
}

// export prints the credentials of a profile, as aws-vault export does. Before mayWait is closed, runs must not
// wait for each other. If a run then waits longer than a second, export fails.
func (r nestedRun) export(ctx context.Context, name string) ([]byte, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	now := time.Now
	locks := &store.Locks{Dir: disk.NewFolder(filepath.Join(r.nest.dir, "locks")), Program: "aws-vault export " + name, Now: now, ParentLocks: r.held}
	locks.OnSlowWait = func(w store.Wait) {
		select {
		case <-r.nest.mayWait:
			return
		default:
		}
		stop(fmt.Errorf("aws-vault export %s waits for %s: %s", name, w.Program, w.Question))
	}
	index := &store.Index{Dir: disk.NewFolder(r.nest.dir), Locks: locks}
	w := r.nest.World
	v := &vault.Vault{
		Config: w.Config, Inputs: w.Inputs, Open: w.Open, Warn: func(err error) { r.nest.t.Error(err) }, Keys: w.Keys,
		Sessions: &store.Sessions{Ring: w.SessionRing, Locks: locks, Now: now, Index: index},
		Source: &source.Deps{
			AWS:    &awsapi.Client{Clock: &awsapi.Clock{Local: now}, Timeout: time.Minute, Network: &awsapi.Network{Open: w.Open}, Log: w.Source.Log},
			Getenv: w.Source.Getenv, Open: w.Open, Log: w.Source.Log,
			Codes:   &store.Codes{Dir: disk.NewFolder(filepath.Join(r.nest.dir, "codes")), Locks: locks},
			Callers: r.callers, Run: r.program, Key: w.Keys.Key, Static: w.Source.Static,
		},
	}
	pl, err := v.Plan(ctx, name, plan.Options{SessionName: "aws-vault-alice"})
	if err != nil {
		return nil, err
	}
	creds, err := v.Credentials(ctx, pl, plan.Options{}, 5*time.Minute)
	if err != nil {
		return nil, errors.Join(err, context.Cause(ctx))
	}
	return json.Marshal(printed(creds))
}

func printed(c aws.Credentials) map[string]any {
	return map[string]any{
		"Version": 1, "AccessKeyId": c.AccessKeyID, "SecretAccessKey": c.SecretAccessKey, "SessionToken": c.SessionToken,
		"Expiration": c.Expires.Format(time.RFC3339),
	}
}

// program is called in place of each program that a profile names. It runs aws-vault export for another profile.
func (r nestedRun) program(ctx context.Context, c source.Command) ([]byte, error) {
	if r.nest.whileRunning != nil {
		r.nest.whileRunning()
	}
	words := strings.Fields(c.Line)
	verb, inner := words[0], words[1]
	child := nestedRun{nest: r.nest, callers: append(r.callers[:len(r.callers):len(r.callers)], c.Profile)}
	if r.nest.dropsCallers {
		child.callers = nil
	}
	starter := program.Starter{ParentLocks: r.held}
	for _, kv := range starter.Command(ctx, []string{}, "aws-vault").Env {
		if text, ok := strings.CutPrefix(kv, program.LocksVariable+"="); ok {
			child.held = program.ParseLocks(text)
		}
	}
	out, err := child.export(context.WithoutCancel(ctx), inner)
	switch {
	case err != nil:
		return nil, err
	case verb == "token":
		return []byte(r.nest.token), nil
	case verb == "code":
		return []byte(r.nest.devices[c.Profile].Code()), nil
	}
	return out, nil
}

func randomName() string { return fmt.Sprintf("p%08x", rand.Uint32()) }

// TestNestedRuns checks that a nested aws-vault waits neither for a lock that its parent holds, nor for a process
// that has ended.
func TestNestedRuns(t *testing.T) {
	const configs, maxDepth = 1000, 4
	n := newNestedFixture(t)
	var outermost []string
	for range configs {
		name := "alice"
		for range 1 + rand.IntN(maxDepth) {
			outer := randomName()
			n.add(rand.IntN(len(kinds)), outer, name)
			name = outer
		}
		outermost = append(outermost, name)
	}
	n.parseConfig()
	for _, name := range outermost {
		if _, err := (nestedRun{nest: n}).export(t.Context(), name); err != nil {
			t.Fatalf("aws-vault export %s: %v", name, err)
		}
		n.AWS.Reset()
	}
}

// Programs of different profiles can run at the same time.
func TestProgramsDoNotBlockOtherRuns(t *testing.T) {
	const profiles = 300
	n := newNestedFixture(t)
	var names []string
	for i := range profiles {
		name := randomName()
		n.add([]int{0, 1, 3, 4}[i%4], name, "alice")
		names = append(names, name)
	}
	n.parseConfig()
	if _, err := (nestedRun{nest: n}).export(t.Context(), "alice"); err != nil { // cache the session that all profiles need
		t.Fatal(err)
	}
	ctx, failed := context.WithCancelCause(t.Context())
	defer failed(nil)
	var running, all sync.WaitGroup
	running.Add(profiles)
	together := make(chan struct{})
	n.mayWait = together // once every program has started, the runs may wait for the lock of the session index
	go func() {
		running.Wait()
		close(together)
	}()
	n.whileRunning = func() {
		running.Done()
		select {
		case <-together:
		case <-ctx.Done():
		}
	}
	for _, name := range names {
		all.Go(func() {
			if _, err := (nestedRun{nest: n}).export(ctx, name); err != nil {
				failed(err)
			}
		})
	}
	all.Wait()
	if err := context.Cause(ctx); err != nil {
		t.Error(err)
	}
}

// TestNestedRecursion checks two profiles that depend on each other. aws-vault must refuse them immediately.
func TestNestedRecursion(t *testing.T) {
	n := newNestedFixture(t)
	var names []string
	locked := map[string]bool{} // by outer profile: whether a run holds a lock while its program runs
	for first := range kinds {
		for second := range kinds {
			if a, b := kinds[first]("", ""), kinds[second]("", ""); strings.HasPrefix(a+b, "source_profile = \n") && a == b {
				continue // the config file with these two profiles is not valid
			}
			outer, inner := randomName(), randomName()
			n.add(first, outer, inner)
			n.add(second, inner, outer)
			names = append(names, outer)
			locked[outer] = first != 2 && first != 3 || second != 2 && second != 3
		}
	}
	n.parseConfig()
	for _, name := range names {
		for _, n.dropsCallers = range []bool{false, true} {
			if n.dropsCallers && !locked[name] {
				continue // aws-vault cannot detect this recursion, because it knows neither its callers nor a lock
			}
			_, err := (nestedRun{nest: n}).export(t.Context(), name)
			var caller *store.DeadlockError
			var loop *source.RecursionError
			if !errors.As(err, &caller) && !errors.As(err, &loop) || n.dropsCallers && caller == nil {
				t.Errorf("%s, without callers %t: %v", name, n.dropsCallers, err)
			}
		}
	}
}
