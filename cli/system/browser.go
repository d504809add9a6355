package system

import (
	"context"
	"os/exec"

	"github.com/skratchdot/open-golang/open"

	"aws-vault/cli/envvar"
	"aws-vault/vault/program"
)

// browse opens a page with the default browser. It uses a library, unless xdg-open is missing or a command is
// using the terminal. In these cases it starts the browser itself, because the library controls neither the
// program nor its terminal session.
func browse(programs *program.Starter, page string) error {
	if !programs.TerminalBusy() && program.StartDetached([]string{envvar.Callers, profileVariable}, func() error { return open.Start(page) }) == nil {
		return nil
	}
	argv, err := openCommand(exec.LookPath)
	if err != nil {
		return err
	}
	return start(programs, append(argv, page))
}

// start starts a desktop program and does not wait for it. The program does not inherit variables that unlock the
// keystore, and its output is discarded.
func start(programs *program.Starter, argv []string) error {
	c := programs.Command(context.Background(), nil, argv[0], argv[1:]...)
	c.Env = envvar.Drop(c.Env, envvar.Scrubbed, envvar.Unlocking, []string{envvar.Callers, program.LocksVariable}) // the program may outlive the locks
	if err := c.Start(); err != nil {
		return err
	}
	go c.Wait()
	return nil
}
