package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"aws-vault/internal/fakeaws"
)

// roles is the number of profiles that assume a role. Each role is in its own account.
const roles = 24

// A pool runs many commands of one user at the same time.
type pool struct {
	ctx     context.Context
	program string
	home    string
	environ []string
	aws     *fakeaws.AWS
	world   fakeaws.World

	server *server
	failed atomic.Int64 // number of faults that the fake AWS was told to produce
	blamed atomic.Int64 // number of commands that failed because of these faults
}

// inherited are the environment variables that commands inherit because they cannot run without them.
var inherited = []string{"PATH", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "COMSPEC", "PATHEXT"}

func newPool(ctx context.Context, program string) (*pool, error) {
	aws, err := fakeaws.NewAWS()
	if err != nil {
		return nil, err
	}
	home, err := os.MkdirTemp("", "aws-vault-soak-")
	if err != nil {
		return nil, err
	}
	p := &pool{ctx: ctx, program: program, home: home, aws: aws, world: aws.Example()}
	p.environ = []string{
		"HOME=" + home, "USERPROFILE=" + home, "LOCALAPPDATA=" + filepath.Join(home, "AppData"), "USER=alice", "USERNAME=alice",
		"AWS_ENDPOINT_URL=" + aws.URL(), "AWS_VAULT_BACKEND=file", "AWS_VAULT_FILE_PASSPHRASE=correct-horse",
	}
	for _, kv := range os.Environ() {
		if name, _, _ := strings.Cut(kv, "="); slices.Contains(inherited, strings.ToUpper(name)) {
			p.environ = append(p.environ, kv)
		}
	}
	var config strings.Builder
	config.WriteString("[default]\nregion = eu-west-1\n\n[profile alice]\n")
	for i := range roles {
		arn := fmt.Sprintf("arn:aws:iam::%012d:role/soak", 100_000_000_000+i)
		aws.AddRole(arn, fakeaws.Role{Trusts: []string{p.world.Alice.ARN()}})
		fmt.Fprintf(&config, "\n[profile r%02d]\nsource_profile = alice\nrole_arn = %s\n", i, arn)
	}
	if err := os.Mkdir(filepath.Join(home, ".aws"), 0o700); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(home, ".aws", "config"), []byte(config.String()), 0o600); err != nil {
		return nil, err
	}
	_, err = p.run(p.world.Key.ID+"\n"+p.world.Key.Secret+"\n", "add", "--stdin", "alice")
	return p, err
}

func (p *pool) close() {
	p.aws.Close()
	os.RemoveAll(p.home)
}

func (p *pool) calls() int { return len(p.aws.Calls()) }

// run runs one command and returns its output.
func (p *pool) run(stdin string, args ...string) (string, error) {
	c := exec.CommandContext(p.ctx, p.program, args...)
	var out, said bytes.Buffer
	c.Env, c.Dir, c.Stdin, c.Stdout, c.Stderr = p.environ, p.home, strings.NewReader(stdin), &out, &said
	if err := c.Run(); err != nil {
		return "", &commandError{args, err, strings.TrimSpace(said.String())}
	}
	return out.String(), nil
}

// A commandError reports a failed command, and contains the command's error output.
type commandError struct {
	args []string
	err  error
	said string
}

func (e *commandError) Error() string {
	return fmt.Sprintf("aws-vault %s: %v: %s", strings.Join(e.args, " "), e.err, e.said)
}

// faultErrors are texts in the errors that commands print when the fake AWS has produced a fault.
var faultErrors = []string{"AWS returned", "no response from", "incomplete response"}

// causedByFault reports whether a command failed because of a fault of the fake AWS.
func causedByFault(err error) bool {
	var failed *commandError
	return errors.As(err, &failed) && slices.ContainsFunc(faultErrors, func(s string) bool { return strings.Contains(failed.said, s) })
}

// work runs the commands with several workers. For every 25 commands, it tells the fake AWS to produce one fault.
func (p *pool) work(commands, workers int) error {
	var left atomic.Int64
	left.Store(int64(commands))
	ctx, cancel := context.WithCancelCause(p.ctx)
	defer cancel(nil)
	var all sync.WaitGroup
	for w := range workers {
		random := rand.New(rand.NewPCG(uint64(w), 1))
		all.Go(func() {
			for n := left.Add(-1); n >= 0 && ctx.Err() == nil; n = left.Add(-1) {
				if n%25 == 0 {
					p.aws.Fail(faults[random.IntN(len(faults))])
					p.failed.Add(1)
				}
				if n == int64(commands)*9/10 {
					p.server.memory = p.server.resident()
				}
				switch err := p.command(random, w); {
				case causedByFault(err):
					p.blamed.Add(1)
				case err != nil:
					cancel(err)
				}
			}
		})
	}
	all.Wait()
	p.aws.Heal()
	return context.Cause(ctx)
}

var faults = []fakeaws.Fault{
	{Status: 500, Times: 2}, {Throttle: true}, {Hangup: true}, {AnswerLost: true}, {TruncateXML: true},
	{Status: 503, Code: "ServiceUnavailable", Times: 3}, {Delay: 50 * time.Millisecond}, {Skew: 20 * time.Minute},
}

// command runs one command. It chooses the command at random from the commands that users and programs run.
func (p *pool) command(random *rand.Rand, worker int) error {
	profile := fmt.Sprintf("r%02d", random.IntN(roles))
	own := fmt.Sprintf("own%d", worker)
	var err error
	switch n := random.IntN(100); {
	case n < 38:
		err = p.provide(profile, "exec", profile, "--", "printenv", "AWS_SESSION_TOKEN")
	case n < 65:
		err = p.provide(profile, "export", "--format=json", profile)
	case n < 75:
		err = p.provide("alice", "exec", "alice", "--", "printenv", "AWS_SESSION_TOKEN")
	case n < 82:
		_, err = p.run("", "list")
	case n < 89:
		_, err = p.run("", "explain", profile)
	case n < 94:
		_, err = p.run("", "clear", profile)
	case n < 95:
		_, err = p.run("", "--completion-bash", "exec", "")
	case n < 98:
		err = p.server.ask(random)
	default: // each worker has its own key, which it adds and removes
		if _, err = p.run("AKIAIOSFODNN7EXAMPLE\nwJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n", "add", "--stdin", own); err == nil {
			_, err = p.run("", "remove", "--force", own)
		}
	}
	return err
}

var errNothing = errors.New("the command succeeded without credentials")

// provide runs a command that provides credentials.
func (p *pool) provide(profile string, args ...string) error {
	out, err := p.run("", args...)
	if err == nil && len(strings.TrimSpace(out)) < 20 {
		return fmt.Errorf("%s: %w", profile, errNothing)
	}
	return err
}
