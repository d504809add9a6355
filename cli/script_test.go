package cli_test

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"aws-vault/cli"
	"aws-vault/cli/system"
	"aws-vault/internal/fakeaws"
	"aws-vault/vault/card/piv"
	"aws-vault/vault/keystore/unlocked"
	"aws-vault/vault/policy"
)

// laterVariable names the variable with a duration by which the program under test moves its clock forward.
const laterVariable = "TEST_LATER"

// blindVariable names the variable that makes the system unable to tell which user owns a connection.
const blindVariable = "TEST_BLIND"

// programVariable names the variable that makes the test binary run as aws-vault.
const programVariable = "TEST_AS_PROGRAM"

// quickRace is a variable for the race detector, which otherwise delays the exit of each program by a second.
const quickRace = "GORACE=atexit_sleep_ms=0"

func TestMain(m *testing.M) {
	switch {
	case filepath.Base(os.Args[0]) == codeProgram:
		printCode()
	case filepath.Base(os.Args[0]) == "aws-vault" && os.Getenv("FAKE_URL") != "", os.Getenv(programVariable) != "":
		program()
	}
	if url := os.Getenv(codeVariable); url != "" {
		printNextCode(url)
	}
	for _, marker := range policy.AgentVariables() {
		os.Unsetenv(marker) // the tests must have the same result if a coding agent runs them
	}
	testscript.Main(m, map[string]func(){
		"aws-vault":       program,
		"age-plugin-fake": agePlugin,
		// these browsers open a page and record its redirects in a file
		"firefox":  namedBrowser,
		"follower": func() { recordVisit("default", os.Args[1]) },
		"chromium": namedBrowser,
		// records which locks are held while it runs
		"notelocks": noteLocks,
		codeProgram: printCode,
		// creates keys on security keys, as programs other than aws-vault do
		"makekey": makeKey,
		// opens the URL of a page, as a user would
		"visit": func() { printResponse(get(os.Args[1], nil)) },
		// prints the config file that the command setup aws should write
		"program": printSetupConfig,
		// an HTTP client
		"fetch": func() { fetch(os.Args[1:]) },
		// starts a program as systemd's socket activation does
		"activate": func() { activate(os.Args[1:]) },
		// prints only the AWS_ variables, because other variables differ between machines
		"awsenv": func() {
			for _, kv := range os.Environ() {
				if strings.HasPrefix(kv, "AWS_") {
					fmt.Println(kv)
				}
			}
		},
	})
}

// printSetupConfig prints the file config, followed by the two profiles that setup aws should add for the role READONLY
// in eu-west-1. Its arguments are the flags in the credential_process of the second profile.
func printSetupConfig() {
	config, err := os.ReadFile("config")
	path, lookErr := exec.LookPath("aws-vault")
	if err := cmp.Or(err, lookErr); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	line := strings.Join(append([]string{`"` + path + `"`, "export", "--format=json"}, os.Args[1:]...), " ")
	fmt.Printf(`%s
[profile aws-vault]
role_arn = %s
region = eu-west-1
source_profile = alice

[profile aws-vault-tools]
credential_process = %s aws-vault
region = eu-west-1
`, config, os.Getenv("READONLY"), line)
	os.Exit(0)
}

func program() {
	env := system.NewEnv("0.0.0-test", system.RemoveSecrets())
	if later, err := time.ParseDuration(os.Getenv(laterVariable)); err == nil {
		env.Now = func() time.Time { return time.Now().Add(later) }
	}
	injectFailures(&env)
	recordCosts(&env)
	env.OpenBrowser, env.Peers.NoTCPOwner = browse, os.Getenv(blindVariable) != ""
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	status := cli.Main(requireSignals(ctx, &env), os.Args[1:], env)
	stop()
	os.Exit(status)
}

// TestScripts runs the scripts in testdata/script. Each one runs the program against its own fake AWS.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		Setup:               setup,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		Condition:           condition,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"fake":    fake,
			"browsed": browsed,
			"publish": publish,
			"tlssite": tlsSite,
			"card":    cardCommand,
			"typed":   typed,
			"manager": manager,
			"told":    told,
			"later":   func(ts *testscript.TestScript, _ bool, args []string) { ts.Setenv(laterVariable, args[0]) },
		},
	})
}

// condition reports whether a condition of a script is true. [piv] means that this build supports security keys,
// [waits] that the kernel keyring can store a key, [root] that the user is root, [protects] that a folder can be
// read-only, and [injects] that strace can make system calls fail.
func condition(name string) (bool, error) {
	switch name {
	case "piv":
		return piv.Supported, nil
	case "root":
		return os.Geteuid() == 0, nil
	case "protects": // a folder can be made read-only with its mode, or for root with a mount
		return os.Geteuid() > 0 || os.Geteuid() == 0 && exec.Command("unshare", "-m", "true").Run() == nil, nil
	case "injects":
		return exec.Command("strace", "-qq", "-e", "trace=flock", "-e", "inject=flock:error=ENOLCK", "true").Run() == nil, nil
	case "waits":
	default:
		return false, fmt.Errorf("unknown condition %q", name)
	}
	const test = "aws-vault test of the kernel"
	err := unlocked.Put(test, unlocked.Key{Until: time.Now().Add(time.Minute)}, time.Now())
	unlocked.Remove(test)
	return err == nil, nil
}

// setup prepares a script. The script gets a fake AWS with the example users and roles, an empty home directory, and
// the passphrase of the file keystore.
func setup(env *testscript.Env) error {
	aws, err := fakeaws.NewAWS()
	if err != nil {
		return err
	}
	env.Defer(aws.Close)
	if err := newCards(env); err != nil {
		return err
	}
	world := aws.Example()
	home := filepath.Join(env.WorkDir, "home")
	if err := os.MkdirAll(filepath.Join(home, ".aws"), 0o700); err != nil {
		return err
	}
	for k, v := range map[string]string{
		"GORACE": strings.TrimPrefix(quickRace, "GORACE="),
		"HOME":   home, "USER": "alice", "SHELL": "/bin/sh", "TZ": "UTC",
		"AWS_ENDPOINT_URL": aws.URL(), "FAKE_URL": aws.URL(), "AWS_VAULT_BACKEND": "file", "AWS_VAULT_FILE_PASSPHRASE": "horse battery",
		"PLUGIN_RECIPIENT": fakeRecipient(), "PLUGIN_IDENTITY": fakeIdentity(), pluginVariable: filepath.Join(env.WorkDir, "uses"),
		"KEY_ID": world.Key.ID, "KEY_SECRET": world.Key.Secret, "MFA": world.MFA.Serial(),
		"ISSUER": aws.URL() + "/_fake/issuer/corp", "ISSUER_ARN": "arn:aws:iam::123456789012:oidc-provider/" + strings.TrimPrefix(aws.URL(), "http://") + "/_fake/issuer/corp",
		"HUB": world.Hub, "PROD": world.Prod, "READONLY": world.ReadOnly, "LONG": world.Long,
	} {
		env.Setenv(k, v)
	}
	return os.WriteFile(filepath.Join(env.WorkDir, "key"), []byte(world.Key.ID+"\n"+world.Key.Secret+"\n"), 0o600)
}

// fake implements a command of scripts: fake CONTROL [name=value]... [JSON]. It sends a control request to the fake
// AWS, and prints the response.
func fake(ts *testscript.TestScript, neg bool, args []string) {
	method, query, body := http.MethodPost, url.Values{}, ""
	if args[0] == "anchor" { // args[1] names a file with the CA certificates
		body, args = ts.ReadFile(args[1]), slices.Delete(args, 1, 2)
	}
	switch args[0] {
	case "calls", "now", "code", "secret":
		method = http.MethodGet
	}
	for _, arg := range args[1:] {
		if name, value, ok := strings.Cut(arg, "="); ok && !strings.HasPrefix(arg, "{") {
			query.Set(name, value)
		} else {
			body = arg
		}
	}
	r, err := http.NewRequest(method, ts.Getenv("FAKE_URL")+"/_fake/"+args[0]+"?"+query.Encode(), strings.NewReader(body))
	ts.Check(err)
	resp, err := http.DefaultClient.Do(r)
	ts.Check(err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	ts.Check(err)
	if (resp.StatusCode != http.StatusOK) != neg {
		ts.Fatalf("fake %v: %s %s", args, resp.Status, text)
	}
	ts.Stdout().Write(text)
}

// typed implements a command of scripts: typed FILE LINE.... It writes the lines to FILE, so that the command ttyin
// can type the lines. It replaces the line CODE with the current MFA code.
func typed(ts *testscript.TestScript, _ bool, args []string) {
	var lines strings.Builder
	for _, line := range args[1:] {
		if line == "CODE" {
			resp, err := http.Get(ts.Getenv("FAKE_URL") + "/_fake/code?serial=" + url.QueryEscape(ts.Getenv("MFA")))
			ts.Check(err)
			text, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			ts.Check(err)
			line = strings.TrimSpace(string(text))
		}
		lines.WriteString(line + "\n")
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(lines.String()), 0o600))
}
