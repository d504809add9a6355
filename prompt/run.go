package prompt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"aws-vault/vault/program"
)

const (
	maxOutput = 64 << 10 // of standard output, in bytes
	maxStderr = 200      // of standard error, in bytes
)

// Runner returns a function that runs argv and returns its standard output. If stdin is nil, the
// program's standard input and standard error are the controlling terminal, unless there is none or
// programs may not use it. When ctx is done, the program is sent SIGTERM, so that it can restore the
// terminal, and is killed two seconds later.
//
// The function returns a [*ProgramError] if the program's exit status is not 0, and an error if it
// writes more than 64 KiB.
func Runner(programs *program.Starter) func(ctx context.Context, argv []string, stdin []byte) ([]byte, error) {
	return func(ctx context.Context, argv []string, stdin []byte) ([]byte, error) {
		return run(programs.Command(ctx, nil, argv[0], argv[1:]...), stdin)
	}
}

func run(cmd *program.Command, stdin []byte) ([]byte, error) {
	cmd.WaitDelay = 2 * time.Second
	cmd.Cancel = func() error {
		if cmd.Process.Signal(syscall.SIGTERM) == nil {
			return nil
		}
		return cmd.Process.Kill() // Windows has no signals
	}
	out, stderr := &program.Output{Limit: maxOutput}, &program.Output{Limit: maxStderr}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(stdin), out, stderr
	if stdin == nil && !cmd.NoTerminal {
		if in, errs, err := openTerminalFiles(); err == nil {
			defer in.Close()
			defer errs.Close() // on Unix, in and errs are the same file
			cmd.Stdin, cmd.Stderr = in, errs
		}
	}
	err := cmd.Run()
	name := filepath.Base(cmd.Path)
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return nil, cmd.WrapError(&ProgramError{Program: name, Code: exit.ExitCode(), Stderr: firstLine(stderr.String()), Err: exit})
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if out.Exceeded() {
		return nil, fmt.Errorf("%s: wrote more than %d bytes, which is too long for an answer", name, maxOutput)
	}
	return out.Bytes(), nil
}

// A ProgramError reports that a program run by a [Runner] function failed.
type ProgramError struct {
	Program string
	Code    int    // the exit status; -1 if the program was ended by a signal
	Stderr  string // the first line of standard error
	Err     error  // the system's error
}

func (e *ProgramError) Error() string {
	if e.Stderr == "" {
		return fmt.Sprintf("%s: %v", e.Program, e.Err)
	}
	return fmt.Sprintf("%s: %v: %s", e.Program, e.Err, e.Stderr)
}

// ExitCode returns the program's exit status, or -1 if the program was ended by a signal.
func (e *ProgramError) ExitCode() int { return e.Code }
func (e *ProgramError) Unwrap() error { return e.Err }

// exitCode returns the exit status in err, or false if err does not have one.
func exitCode(err error) (int, bool) {
	var exited interface{ ExitCode() int }
	if !errors.As(err, &exited) {
		return 0, false
	}
	return exited.ExitCode(), true
}

// firstLine returns the first line that is not empty.
func firstLine(text string) string {
	for l := range strings.Lines(text) {
		if l = strings.TrimSpace(l); l != "" {
			return sanitize(l)
		}
	}
	return ""
}
