// Package run has the commands that provide credentials to programs, and the explain command.
package run

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

	"aws-vault/cli/app"
	"aws-vault/vault/audit"
	"aws-vault/vault/peer"
	"aws-vault/vault/plan"
	"aws-vault/vault/printable"
)

func ExecCommand(k *kingpin.Application, a *app.App) []app.Verb {
	var f app.CredentialFlags
	var server serverFlags
	var asJSON bool
	c := k.Command("exec", "Run a command with the credentials of a profile.").HelpLong(app.Examples(
		"Run one command.", "aws-vault exec prod -- aws s3 ls",
		"Start a shell with credentials for 2 h.", "aws-vault exec --duration 2h prod"))
	f.Bind(c)
	server.bind(c)
	c.Flag("json", "Print the credentials for credential_process.").Short('j').Hidden().BoolVar(&asJSON)
	var argv []string
	c.Arg("command", "Command and its arguments. Flags after the name of the command belong to the command. Default: your shell.").StringsVar(&argv)
	return []app.Verb{{Command: c, Agents: true, Run: func(ctx context.Context) error {
		if asJSON {
			return export(ctx, a, f, "json")
		}
		return runExec(ctx, a, f, server, argv)
	}}}
}

// A CommandError reports that exec cannot run a command. exec checks the command before it creates credentials, so
// that the user is not prompted needlessly.
type CommandError struct {
	name   string
	Status int
	err    error
}

func (e *CommandError) Error() string {
	return fmt.Sprintf("command %s: %v", printable.Quote(e.name), e.err)
}

func (e *CommandError) Unwrap() error { return e.err }

func runExec(ctx context.Context, a *app.App, f app.CredentialFlags, server serverFlags, argv []string) error {
	if err := server.check(); err != nil {
		return err
	}
	interactive := len(argv) == 0
	if interactive {
		argv = []string{userShell(a)}
	}
	path, err := findProgram(a, argv[0])
	if err != nil {
		return err
	}
	if server.enabled() {
		return execServer(ctx, a, f, server, commandLine{path, argv, interactive})
	}
	t, creds, err := credentials(ctx, a, app.Request{Verb: "exec", Flags: &f, OfferProfiles: true}, app.ExecNeed, provision{
		auditFile: server.audit, process: peer.Process{PID: commandPID(), Name: filepath.Base(path), Executable: path},
	})
	if err != nil {
		return err
	}
	if interactive {
		noteSubshell(a, argv[0])
	}
	a.Log.Debug("replacing this process with the command", "path", path)
	a.Trades.Close()
	status, err := a.Env.Exec(ctx, path, argv, childEnvironment(a, t.Plan, variables(t.Plan, creds)))
	if err != nil {
		return &CommandError{argv[0], app.StatusNotRunnable, err}
	}
	if status != 0 {
		return app.StatusError(status)
	}
	return nil
}

// findProgram finds a program in PATH and returns its absolute path.
func findProgram(a *app.App, name string) (string, error) {
	path, err := a.Env.LookPath(name)
	switch {
	case err == nil:
		return filepath.Abs(path)
	case errors.Is(err, exec.ErrDot):
		return "", &CommandError{name, app.StatusNotFound, errors.New("found only in the current directory; write ./ before the name to run it")}
	case errors.Is(err, fs.ErrPermission):
		return "", &CommandError{name, app.StatusNotRunnable, errors.New("not executable")}
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, fs.ErrNotExist):
		return "", &CommandError{name, app.StatusNotFound, errors.New("not found")}
	}
	return "", &CommandError{name, app.StatusNotRunnable, err}
}

func userShell(a *app.App) string {
	if sh, _ := a.Env.Getenv("SHELL"); sh != "" {
		return sh
	}
	return defaultShell
}

// noteSubshell prints that exec starts a subshell. If exec has also started the current shell, noteSubshell first
// prints a note about the current shell.
func noteSubshell(a *app.App, shell string) {
	if outer, _ := a.Env.Getenv("AWS_VAULT"); outer != "" {
		a.Note("this shell was already started by aws-vault exec, for profile %s", outer)
	}
	quiet, _ := a.Env.Getenv("AWS_VAULT_DISABLE_HELP_MESSAGE")
	if a.Env.StdoutTerminal && !a.Debug && quiet != "1" {
		fmt.Fprintf(a.Env.Stderr, "Starting a subshell (%s). Type exit to leave it.\n", shell)
	}
}

// A provision names the audit file, and the process that the audit file records as the receiver of the credentials.
type provision struct {
	auditFile string       // the file that --audit names; empty for the file in the profile's setting
	process   peer.Process // the program that receives the credentials; zero if it is not known
}

// credentials creates the plan and the credentials for a request, and records them in the audit file. The function need
// returns for how long the credentials must be valid.
func credentials(ctx context.Context, a *app.App, r app.Request, need func(plan.Plan) time.Duration, to provision) (*app.Task, aws.Credentials, error) {
	fail := func(err error) (*app.Task, aws.Credentials, error) { return nil, aws.Credentials{}, err }
	t, err := a.Begin(ctx, r)
	if err != nil {
		return fail(err)
	}
	if err := t.MakePlan(ctx); err != nil {
		return fail(err)
	}
	auditor, err := t.Auditor(to.auditFile)
	if err != nil {
		return fail(err)
	}
	creds, err := t.Credentials(ctx, need(t.Plan))
	if err != nil {
		return fail(err)
	}
	err = auditor.Record(func(e *audit.Entry) {
		e.Process = to.process
		e.SetExpiry(creds.Expires)
	})
	if err != nil {
		return fail(err)
	}
	return t, creds, t.RecordUse(ctx)
}
