package system

import (
	"context"
	"os/exec"

	"github.com/skratchdot/open-golang/open"

	"aws-vault/cli/envvar"
	"aws-vault/vault/program"
)

// browse opens a page with the system's default browser. Where xdg-open is missing, or the terminal is
// lent and what is started must not share it, another program does: a library says neither which program it starts
// nor in what session.
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

// start starts a program of the desktop's, which is neither waited for nor told what opens
// the vault. What it prints is not the user's concern.
func start(programs *program.Starter, argv []string) error {
	c := programs.Command(context.Background(), nil, argv[0], argv[1:]...)
	c.Env = envvar.Drop(c.Env, envvar.Scrubbed, envvar.Unlocking, []string{envvar.Callers, program.LocksVariable}) // it lives on when nobody waits for it
	if err := c.Start(); err != nil {
		return err
	}
	go c.Wait()
	return nil
}
