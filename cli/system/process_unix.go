//go:build unix

package system

import (
	"context"
	"syscall"

	"aws-vault/vault/program"
)

// replaceProcess replaces this process with the command. The command then receives all signals for this process,
// and its exit status becomes the exit status of this process. replaceProcess returns only if it fails.
func replaceProcess(_ context.Context, path string, argv, environ []string) (int, error) {
	return 0, syscall.Exec(path, argv, environ)
}

func shellCommand(ctx context.Context, programs *program.Starter, environ []string, line string) *program.Command {
	return programs.Command(ctx, environ, "/bin/sh", "-c", line)
}
