package cli_test

import (
	"context"
	"go/version"
	"io"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"aws-vault/cli"
	"aws-vault/cli/system"
	"aws-vault/internal/fakeaws"
)

// An allocationBound is the maximum number of allocations of a command line whose credentials are cached.
type allocationBound struct {
	most float64
	args []string
}

// allocationBounds lists the limits for each Go version, because the standard library differs between versions.
var allocationBounds = map[string][]allocationBound{
	"go1.26": {
		{1847, []string{"--version"}},                    // measured: 1759
		{2673, []string{"exec", "r", "--", "tool"}},      // measured: 2546
		{2645, []string{"export", "--format=json", "r"}}, // measured: 2519
		{2588, []string{"explain", "r"}},                 // measured: 2465
		{2360, []string{"list"}},                         // measured: 2248
	},
}

// TestAllocations limits the allocations of commands whose credentials are cached. A thousand allocations take
// about 0.1 ms. Many allocations also start the garbage collector. Each command needs about 1,500 allocations and
// 0.2 ms to describe all commands to kingpin. The limits are 5 % above the measured numbers. The race detector adds
// about 2.5 % more allocations.
func TestAllocations(t *testing.T) {
	aws, err := fakeaws.NewAWS()
	if err != nil {
		t.Fatal(err)
	}
	defer aws.Close()
	environ, dir := home(t, aws)
	variables := map[string]string{}
	for _, kv := range environ {
		name, value, _ := strings.Cut(kv, "=")
		variables[name] = value
	}
	now := time.Now()
	env := system.NewEnv("0.0.0-test", system.RemoveSecrets())
	env.Stdin, env.Stdout, env.Stderr, env.Home = strings.NewReader(""), io.Discard, io.Discard, dir
	env.Getenv = func(name string) (string, bool) { v, ok := variables[name]; return v, ok }
	env.Environ = func() []string { return environ }
	env.User, env.Now = "alice", func() time.Time { return now }
	env.Prompt.Lookup = env.Getenv
	became := 0
	env.LookPath = func(string) (string, error) { return filepath.Join(dir, "tool"), nil }
	env.Exec = func(context.Context, string, []string, []string) (int, error) { became++; return 0, nil }
	run := func(args ...string) func() {
		return func() {
			if status := cli.Main(context.Background(), args, env); status != 0 {
				t.Fatalf("%v: status %d", args, status)
			}
		}
	}
	run("exec", "r", "--", "tool")()
	aws.Reset()
	rows, known := allocationBounds[version.Lang(runtime.Version())]
	if !known {
		t.Skipf("allocationBounds has no limits for %s: measure and add them", runtime.Version())
	}
	for _, c := range rows {
		if n := testing.AllocsPerRun(10, run(c.args...)); n > c.most {
			t.Errorf("%v allocates %v times, want at most %v", c.args, n, c.most)
		}
	}
	if became == 0 || len(aws.Actions()) > 0 {
		t.Errorf("%d commands were run with calls to AWS: %v, want some commands and no calls", became, aws.Actions())
	}
}
