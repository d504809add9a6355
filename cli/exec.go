package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/vault/plan"
)

func execCommand(k *kingpin.Application, a *app) {
	var f credentialFlags
	var server serverFlags
	var asJSON bool
	c := k.Command("exec", "Run a command with credentials of a profile.")
	f.bind(c)
	server.bind(c)
	c.Flag("json", "Print the credentials for credential_process.").Short('j').Hidden().BoolVar(&asJSON)
	c.Arg("command", "The command and its arguments; your shell if there is none. Flags behind its name are its own.").
		StringsVar(new([]string)) // splitCommand has taken it off
	a.action(c, verb{agents: true, run: func(ctx context.Context) error {
		if asJSON {
			return a.export(ctx, f, "json")
		}
		return a.exec(ctx, f, server, a.words)
	}})
}

// A commandError is a command that cannot be run. It is noticed before anything else is
// done, so that no code is asked for in vain.
type commandError struct {
	name   string
	status int
	err    error
}

func (e *commandError) Error() string { return fmt.Sprintf("command %q: %v", e.name, e.err) }

func (e *commandError) Unwrap() error { return e.err }

func (a *app) exec(ctx context.Context, f credentialFlags, server serverFlags, argv []string) error {
	if err := server.check(); err != nil {
		return err
	}
	interactive := len(argv) == 0
	if interactive {
		argv = []string{a.shell()}
	}
	path, err := a.program(argv[0])
	if err != nil {
		return err
	}
	if server.wanted() {
		return a.execServer(ctx, f, server, commandLine{path, argv, interactive})
	}
	pl, creds, err := a.credentials(ctx, "exec", &f, execNeed)
	if err != nil {
		return err
	}
	if interactive {
		a.greet(argv[0])
	}
	a.log.Debug("becoming the command", "path", path)
	a.trades.Close()
	status, err := a.env.Exec(ctx, path, argv, a.childEnvironment(pl, variables(pl, creds)))
	if err != nil {
		return &commandError{argv[0], statusNotRunnable, err}
	}
	if status != 0 {
		return statusError(status)
	}
	return nil
}

// execNeed is how long credentials serve at least that a command is given: nothing renews
// them for it.
func execNeed(pl plan.Plan) time.Duration {
	if pl.MinTTL != nil {
		return *pl.MinTTL
	}
	return 5 * time.Minute
}

// program finds the command, as a shell would.
func (a *app) program(name string) (string, error) {
	path, err := a.env.LookPath(name)
	switch {
	case err == nil:
		return filepath.Abs(path)
	case errors.Is(err, exec.ErrDot):
		return "", &commandError{name, statusNotFound, errors.New("found in the current directory only, want ./ before it")}
	case errors.Is(err, fs.ErrPermission):
		return "", &commandError{name, statusNotRunnable, errors.New("not executable")}
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, fs.ErrNotExist):
		return "", &commandError{name, statusNotFound, errors.New("not found")}
	}
	return "", &commandError{name, statusNotRunnable, err}
}

func (a *app) shell() string {
	if sh, _ := a.env.Getenv("SHELL"); sh != "" {
		return sh
	}
	return defaultShell
}

// greet tells a person that the shell they get is another one.
func (a *app) greet(shell string) {
	if outer, _ := a.env.Getenv("AWS_VAULT"); outer != "" {
		a.note("this shell is already inside one of aws-vault exec, for profile %s", outer)
	}
	quiet, _ := a.env.Getenv("AWS_VAULT_DISABLE_HELP_MESSAGE")
	if a.env.Terminal && !a.debug && quiet != "1" {
		fmt.Fprintf(a.env.Stderr, "Starting a subshell, %s. Leave it with exit.\n", shell)
	}
}

// credentials plans and makes the credentials that a command asks for.
func (a *app) credentials(ctx context.Context, verb string, f *credentialFlags, need func(plan.Plan) time.Duration) (plan.Plan, aws.Credentials, error) {
	name, err := a.pickProfile(ctx, f)
	if err != nil {
		return plan.Plan{}, aws.Credentials{}, err
	}
	s, err := a.open(ctx, verb+" "+name, f.inputs(), f.code)
	if err != nil {
		return plan.Plan{}, aws.Credentials{}, err
	}
	s.Source.Person = a.person(f.signIn)
	pl, err := s.Plan(ctx, name, f.options(a))
	if err != nil {
		return plan.Plan{}, aws.Credentials{}, err
	}
	for _, n := range pl.Notes {
		a.note("%s", n)
	}
	creds, err := s.Credentials(ctx, pl, f.options(a), need(pl))
	if err == nil {
		a.noteUse(name, f.profile == "")
	}
	if err == nil && f.signIn.share {
		err = a.share(ctx, s, pl)
	}
	return pl, creds, err
}

// profileName returns the profile to use, or an error that says which there are.
func (a *app) profileName(f *credentialFlags) (string, error) {
	if f.profile != "" {
		return f.profile, nil
	}
	config, _, err := a.readConfig(nil)
	if err != nil {
		return "", err
	}
	return f.aProfile(config.Profiles())
}
