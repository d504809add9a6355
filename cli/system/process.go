// Package system fills in an [app.Env] for this process: its files and variables, how it runs the
// user's command, and the system's default browser. Tests use other environments.
package system

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"time"

	"golang.org/x/term"

	"aws-vault/cli/app"
	"aws-vault/prompt"
	"aws-vault/vault/keystore"
	"aws-vault/vault/peer"
	"aws-vault/vault/program"
)

// NewEnv returns the environment of this process. The argument taken is the result of RemoveSecrets.
func NewEnv(version string, taken *Environment) app.Env {
	programs := &program.Starter{ParentLocks: program.ParseLocks(os.Getenv(program.LocksVariable))}
	return app.Env{
		Version: version, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Getenv: taken.Lookup, Caller: caller, Environ: taken.Environ, Home: home(), User: userName(), Now: time.Now,
		StdoutTerminal: term.IsTerminal(int(os.Stdout.Fd())), StderrTerminal: term.IsTerminal(int(os.Stderr.Fd())),
		Host: hostName(), CardHolder: cardHolder,
		LookPath: exec.LookPath, SelfPath: selfPath, Exec: replaceProcess, RunChild: run, OpenKeystore: keystore.Open,
		Peers:        peer.ThisUser(),
		Programs:     programs,
		OpenBrowser:  func(page string) error { return browse(programs, page) },
		StartProgram: func(argv []string) error { return start(programs, argv) },
		Shell: func(ctx context.Context, line string, environ []string, most int64) ([]byte, error) {
			return shell(ctx, programs, line, environ, most)
		},
		RunSelf: func(ctx context.Context, args ...string) error { return runSelf(ctx, programs, args...) },
		Prompt:  prompt.Env{Lookup: taken.Lookup, LookPath: exec.LookPath, Run: prompt.Runner(programs), OpenTTY: prompt.OpenTTY},
	}
}

// selfPath returns the path of this program. If a directory in PATH contains the program, selfPath returns the
// path in that directory. The path of the file itself may change with each version, for example if a package
// manager installed it.
func selfPath() (string, error) {
	path, err := os.Executable()
	if err != nil {
		return "", err
	}
	if found, err := exec.LookPath("aws-vault"); err == nil && sameFile(path, found) {
		path = found
	}
	return filepath.Abs(path)
}

func sameFile(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}

// home returns the home directory that HOME names, as other programs see it. If HOME is not set, home returns the
// directory in the system's user database. Services and cron jobs often have no HOME.
func home() string {
	if dir, err := os.UserHomeDir(); err == nil {
		return dir
	}
	if u, err := user.Current(); err == nil {
		return u.HomeDir
	}
	return ""
}

func hostName() string {
	name, err := os.Hostname()
	if err != nil {
		return ""
	}
	return name
}

func userName() string {
	for _, name := range []string{"USER", "LOGNAME", "USERNAME"} {
		if v := os.Getenv(name); v != "" {
			return v
		}
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return ""
}

// runSelf runs this program again with other arguments.
func runSelf(ctx context.Context, programs *program.Starter, args ...string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	return programs.Command(ctx, nil, self, args...).Run()
}

// shellTimeout limits the run time of a command in the config file, including its prompts.
const shellTimeout = 3 * time.Minute

// shell runs a command line of the config file and returns its output. The command's stdin is the terminal. If the
// terminal is in use, the command has no stdin. The command does not inherit the stdin of this process, because
// the program that exec runs later reads that stdin.
//
// If the stderr of this process is a terminal, it is also the command's stderr. If it is not a terminal, an SDK that
// runs aws-vault may hide it, and the user could not see a question from the command. So the command's stderr is then
// the terminal. If the terminal is in use, the command's stderr is always the stderr of this process.
func shell(ctx context.Context, programs *program.Starter, line string, environ []string, limit int64) ([]byte, error) {
	limited, cancel := context.WithTimeout(ctx, shellTimeout)
	defer cancel()
	c := shellCommand(limited, programs, environ, line)
	c.Stderr, c.WaitDelay = os.Stderr, time.Second
	if c.NoTerminal {
		c.Stderr = struct{ io.Writer }{os.Stderr}
	} else if in, errs, err := prompt.OpenTerminalFiles(); err == nil {
		defer in.Close()
		defer errs.Close()
		c.Stdin = in
		if !term.IsTerminal(int(os.Stderr.Fd())) {
			c.Stderr = errs
		}
	}
	out := &limitedBuffer{limit: limit}
	c.Stdout = out
	err := c.Run()
	switch {
	case out.exceeded:
		return nil, fmt.Errorf("the output is longer than %d bytes", limit)
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case limited.Err() != nil:
		return nil, c.WrapError(fmt.Errorf("the command did not end within %s", shellTimeout))
	case err != nil:
		return nil, c.WrapError(err)
	}
	return out.text.Bytes(), nil
}

// limitedBuffer stores up to limit bytes. A write beyond the limit fails and sets exceeded.
type limitedBuffer struct {
	text     bytes.Buffer
	limit    int64
	exceeded bool
}

var errOverLimit = errors.New("the output is too long")

func (b *limitedBuffer) Write(p []byte) (int, error) {
	if int64(b.text.Len()+len(p)) > b.limit {
		b.exceeded = true
		return 0, errOverLimit
	}
	return b.text.Write(p)
}
