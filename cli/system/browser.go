package system

import (
	"context"
	"os/exec"

	"github.com/skratchdot/open-golang/open"

	"aws-vault/cli/envvar"
	"aws-vault/vault/program"
)

// browse opens a page in the default browser, usually with a library. If a command uses the terminal, browse does
// not use the library, because the library does not start the browser in a session of its own (setsid). If
// xdg-open is missing, the library fails. browse then tries other programs.
func browse(programs *program.Starter, page string) error {
	if !programs.TerminalBusy() && program.StartDetached([]string{envvar.Callers, envvar.ProfileName}, func() error { return open.Start(page) }) == nil {
		return nil
	}
	argv, err := openCommand(exec.LookPath)
	if err != nil {
		return err
	}
	return start(programs, append(argv, page))
}

// start starts a desktop program and does not wait until it exits. The program inherits neither AWS credentials nor
// variables that unlock a keystore. The output of the program is discarded.
func start(programs *program.Starter, argv []string) error {
	c := programs.Command(context.Background(), nil, argv[0], argv[1:]...)
	c.Env = envvar.Drop(c.Env, envvar.Scrubbed, envvar.Unlocking, []string{envvar.Callers, program.LocksVariable}) // without the list of locks, because the program may still run after this process has released the locks
	if err := c.Start(); err != nil {
		return err
	}
	go c.Wait()
	return nil
}
