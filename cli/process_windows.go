package cli

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"syscall"
)

const terminalInput = "CONIN$"

// become runs the command and returns its exit status: here no process can become
// another. Ctrl-C reaches the command by itself, as it shares our console.
func become(_ context.Context, path string, argv, environ []string) (int, error) {
	c := &exec.Cmd{Path: path, Args: argv, Env: environ, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
	err := c.Run()
	var status *exec.ExitError
	if errors.As(err, &status) {
		return status.ExitCode(), nil
	}
	return 0, err
}

// shellCommand hands the line to cmd.exe as it stands: cmd.exe does not undo the quoting
// that Go would add.
func shellCommand(ctx context.Context, line string) *exec.Cmd {
	c := exec.CommandContext(ctx, os.Getenv("SystemRoot")+`\System32\cmd.exe`)
	c.SysProcAttr = &syscall.SysProcAttr{CmdLine: `cmd.exe /S /C "` + line + `"`}
	return c
}
