package system

import (
	"context"
	"os/exec"

	"aws-vault/cli/envvar"
	"aws-vault/vault/program"
)

// browse opens a page with the system's own opener.
func browse(programs *program.Starter, page string) error {
	argv, err := opener(exec.LookPath)
	if err != nil {
		return err
	}
	return start(programs, append(argv, page))
}

// start starts a program of the desktop's, which is neither waited for nor told what opens
// the vault. What it prints is not the user's concern.
func start(programs *program.Starter, argv []string) error {
	c := programs.Command(context.Background(), nil, argv[0], argv[1:]...)
	c.Env = envvar.Drop(c.Env, envvar.Scrubbed, envvar.Unlocking, []string{envvar.Callers, program.HeldVariable}) // it lives on when nobody waits for it
	if err := c.Start(); err != nil {
		return err
	}
	go c.Wait()
	return nil
}
