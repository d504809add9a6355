package system

import (
	"context"
	"os"
	"syscall"

	"aws-vault/vault/program"
)

// replaceProcess runs the command and returns its exit status, because Windows cannot replace a process.
func replaceProcess(_ context.Context, path string, argv, environ []string) (int, error) {
	return run(path, argv, environ)
}

// shellCommand returns a command that passes the parameter line to cmd.exe unchanged. Go would quote line in a way that
// cmd.exe does not understand.
func shellCommand(ctx context.Context, programs *program.Starter, environ []string, line string) *program.Command {
	c := programs.Command(ctx, environ, os.Getenv("SystemRoot")+`\System32\cmd.exe`)
	if c.SysProcAttr == nil {
		c.SysProcAttr = &syscall.SysProcAttr{}
	}
	c.SysProcAttr.CmdLine = `cmd.exe /S /C "` + line + `"`
	return c
}
