package cli_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"aws-vault/cli/app"
	"aws-vault/internal/fakeaws"
	"aws-vault/vault/keystore"
)

// costVariable names the variable with the path of a file. The program under test records its keystore calls in
// this file. It also records the moment when it starts to catch signals.
const costVariable = "TEST_KEYSTORE_COSTS"

// recordCosts makes the program write its keystore calls to a file, if costVariable is set.
func recordCosts(env *app.Env) {
	path := os.Getenv(costVariable)
	if path == "" {
		return
	}
	open := env.OpenKeystore
	env.OpenKeystore = func(ctx context.Context, c keystore.Config) (*keystore.Keystore, error) {
		k, err := open(ctx, c)
		if err == nil {
			k.Keys, k.Private = recordingRing{k.Keys, path, "keys"}, recordingRing{k.Private, path, "private"}
		}
		return k, err
	}
}

func noteCost(path, what string) {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = fmt.Fprintln(f, what)
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		panic(err)
	}
}

// requireSignals returns the context for the program. The context panics if the program waits for the context before
// the program catches signals. At that time, a signal would end the program at once. If costVariable is set,
// requireSignals also records when the program starts to catch signals.
func requireSignals(ctx context.Context, env *app.Env) context.Context {
	c := &signalContext{Context: ctx}
	env.CatchSignals = func() {
		if path := os.Getenv(costVariable); !c.caught.Swap(true) && path != "" {
			noteCost(path, "signals")
		}
	}
	return c
}

type signalContext struct {
	context.Context
	caught atomic.Bool
}

func (c *signalContext) Done() <-chan struct{} {
	if !c.caught.Load() {
		panic("the program waits, but does not catch signals")
	}
	return c.Context.Done()
}

type recordingRing struct {
	keystore.Ring
	path, name string
}

func (r recordingRing) note(act string) { noteCost(r.path, r.name+" "+act) }

func (r recordingRing) Item(ctx context.Context, name string) (keystore.Item, error) {
	r.note("item")
	return r.Ring.Item(ctx, name)
}

func (r recordingRing) Put(ctx context.Context, it keystore.Item) error {
	r.note("put")
	return r.Ring.Put(ctx, it)
}

func (r recordingRing) Remove(ctx context.Context, name string) error {
	r.note("remove")
	return r.Ring.Remove(ctx, name)
}

func (r recordingRing) Names(ctx context.Context) ([]string, error) {
	r.note("names")
	return r.Ring.Names(ctx)
}

func (r recordingRing) Stamp(ctx context.Context, name string) (string, error) {
	r.note("stamp")
	return r.Ring.Stamp(ctx, name)
}

func (r recordingRing) Check(ctx context.Context) error {
	r.note("check")
	return r.Ring.Check(ctx)
}

// keystoreCalls runs the program and returns the keystore calls of the program, in order.
func keystoreCalls(t *testing.T, environ []string, dir string, args ...string) string {
	t.Helper()
	costs := filepath.Join(dir, "costs")
	c := exec.Command(os.Args[0], args...)
	c.Env = append(environ, costVariable+"="+costs)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", args, err, out)
	}
	text, err := os.ReadFile(costs)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	os.Remove(costs)
	return strings.ReplaceAll(strings.TrimSpace(string(text)), "\n", ", ")
}

// TestKeystoreCalls checks the keystore calls of each command. Each call has a cost. To open an item, the keystore
// needs a key derivation, a touch or a D-Bus message. The cost of listing the items grows with their number. The
// test also checks when the program starts to catch signals, because the Go runtime then starts a thread.
func TestKeystoreCalls(t *testing.T) {
	aws, err := fakeaws.NewAWS()
	if err != nil {
		t.Fatal(err)
	}
	defer aws.Close()
	environ, dir := home(t, aws)
	const cold = "keys stamp, keys stamp, private item, signals, private item, keys item, private put, private stamp" // "private put" syncs a file and its directory
	keystoreCalls(t, environ, dir, "exec", "r", "--", "true")
	keystoreCalls(t, environ, dir, "clear")
	if got := keystoreCalls(t, environ, dir, "exec", "r", "--", "true"); got != cold {
		t.Errorf("exec without a cached session: the keystore calls are %s, want %s", got, cold)
	}
	aws.Reset()
	for _, c := range []struct{ command, want string }{
		{"--version", ""},
		{"--help", ""},
		{"--completion-bash exec --", ""},
		{"exec r -- true", "keys stamp, keys stamp, private item"},
		{"export --format=json r", "keys stamp, keys stamp, private item"},
		{"exec --ecs-server r -- true", "signals, keys stamp, keys stamp, keys stamp, keys stamp, private item"},
		{"explain r", "signals, keys stamp, keys stamp"},
		{"list", "signals, keys names, private names"},
		{"list --sessions", "signals, keys names, private names"},
		{"clear nobody", "signals, keys stamp, keys names, keys stamp, keys names, keys stamp, keys names, private names"}, // clear plans the profile three times: for exec, serve and login
	} {
		if got := keystoreCalls(t, environ, dir, strings.Fields(c.command)...); got != c.want {
			t.Errorf("%s: the keystore calls are %s, want %s", c.command, got, c.want)
		}
	}
	if calls := aws.Actions(); len(calls) > 0 {
		t.Errorf("AWS was called: %v", calls)
	}
}

// TestKeystoreCallsWithSignIn checks that exec finds the cached session of a sign-in without opening the sign-in's
// token. This works after the token has been opened once, because the index then contains the identifier of the
// sign-in.
func TestKeystoreCallsWithSignIn(t *testing.T) {
	aws, err := fakeaws.NewAWS()
	if err != nil {
		t.Fatal(err)
	}
	defer aws.Close()
	environ, dir := home(t, aws)
	portal := aws.AddSSO("https://corp.awsapps.com/start", "eu-west-1")
	portal.AutoApprove(true)
	portal.Assign("123456789012", "Dev")
	config := "[profile dev]\nsso_start_url = https://corp.awsapps.com/start\nsso_region = eu-west-1\nsso_account_id = 123456789012\nsso_role_name = Dev\n"
	if err := os.WriteFile(filepath.Join(dir, ".aws", "config"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	keystoreCalls(t, environ, dir, "exec", "dev", "--", "true")
	aws.Reset()
	const want = "keys stamp, private stamp, private item"
	for range 3 {
		if got := keystoreCalls(t, environ, dir, "exec", "dev", "--", "true"); got != want {
			t.Errorf("exec: the keystore calls are %s, want %s", got, want)
		}
	}
	if calls := aws.Actions(); len(calls) > 0 {
		t.Errorf("AWS was called: %v", calls)
	}
}
