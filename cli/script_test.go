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

// laterVariable moves the clock of the program under test.
const laterVariable = "TEST_LATER"

// blindVariable pretends that this system does not tell whose a connection is.
const blindVariable = "TEST_BLIND"

// programVariable makes the test binary the program itself.
const programVariable = "TEST_AS_PROGRAM"

// quickRace keeps the race detector from making each program that ends wait a second.
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
	for _, marker := range policy.Markers() {
		os.Unsetenv(marker) // whoever runs the tests is not the one who asks in them
	}
	testscript.Main(m, map[string]func(){
		"aws-vault":       program,
		"age-plugin-fake": agePlugin,
		// browsers that a user may name: each follows one address, and tells on file
		"firefox":  follow,
		"follower": func() { brought("default", os.Args[1]) },
		"chromium": follow,
		// what tells which locks are held while it runs
		"notelocks": noteLocks,
		codeProgram: printCode,
		// what makes keys on cards, as other programs do
		"makekey": makeKey,
		// a browser that is given the address of a page by hand
		"visit": func() { met(get(os.Args[1], nil)) },
		// what setup aws makes of the file config
		"program": setupMakes,
		// a client of the servers
		"fetch": func() { fetch(os.Args[1:]) },
		// systemd, which hands over a socket
		"activate": func() { activate(os.Args[1:]) },
		// env without what differs from machine to machine
		"awsenv": func() {
			for _, kv := range os.Environ() {
				if strings.HasPrefix(kv, "AWS_") {
					fmt.Println(kv)
				}
			}
		},
	})
}

// setupMakes prints the file named config with the two profiles that setup aws adds to it for
// the role READONLY in eu-west-1. Its arguments are flags of the credential_process.
func setupMakes() {
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
	frail(&env)
	costly(&env)
	env.OpenBrowser, env.Peers.NoTCPOwner = browse, os.Getenv(blindVariable) != ""
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	status := cli.Main(attended(ctx, &env), os.Args[1:], env)
	stop()
	os.Exit(status)
}

// TestScripts tells one story a file, with the whole program against an AWS of its own.
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

// condition answers [piv]: are cards in this build, [waits]: does this kernel keep a key for us, and
// [root]: may we give files to other users, and [protects]: can a folder be kept from us.
func condition(name string) (bool, error) {
	switch name {
	case "piv":
		return piv.Supported, nil
	case "root":
		return os.Geteuid() == 0, nil
	case "protects": // by its mode, and from root by a mount
		return os.Geteuid() > 0 || os.Geteuid() == 0 && exec.Command("unshare", "-m", "true").Run() == nil, nil
	case "waits":
	default:
		return false, fmt.Errorf("unknown condition %q", name)
	}
	const test = "aws-vault test of the kernel"
	err := unlocked.Put(test, unlocked.Key{Until: time.Now().Add(time.Minute)}, time.Now())
	unlocked.Remove(test)
	return err == nil, nil
}

// setup gives a script an AWS with the example's world, an empty home and a keystore
// whose passphrase is known.
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

// fake asks the AWS of a script: fake CONTROL [name=value]... [JSON]. A leading method is
// POST unless the control only shows something.
func fake(ts *testscript.TestScript, neg bool, args []string) {
	method, query, body := http.MethodPost, url.Values{}, ""
	if args[0] == "anchor" { // whose authorities lie in a file
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

// typed writes what a person types into a file for ttyin: typed FILE LINE..., where CODE
// stands for the code that the device shows now.
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
