package system

import (
	"context"
	"os"
	"syscall"

	"aws-vault/vault/program"
)

const terminalInput = "CONIN$"

// replaceProcess runs the command and returns its exit status: here no process can become
// another.
func replaceProcess(_ context.Context, path string, argv, environ []string) (int, error) {
	return run(path, argv, environ)
}

// shellCommand hands the line to cmd.exe as it stands: cmd.exe does not undo the quoting
// that Go would add.
func shellCommand(ctx context.Context, programs *program.Starter, environ []string, line string) *program.Command {
	c := programs.Command(ctx, environ, os.Getenv("SystemRoot")+`\System32\cmd.exe`)
	if c.SysProcAttr == nil {
		c.SysProcAttr = &syscall.SysProcAttr{}
	}
	c.SysProcAttr.CmdLine = `cmd.exe /S /C "` + line + `"`
	return c
}
