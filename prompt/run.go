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
	maxOutput = 64 << 10 // maximum number of bytes from standard output
	maxStderr = 200      // maximum number of bytes from standard error
)

// Runner returns a function that runs the program argv and returns its standard output. If stdin is nil, the
// program's standard input and standard error are the controlling terminal. If there is no terminal, or another
// program uses the terminal, the standard input is empty. When ctx ends, the function sends SIGTERM to the program,
// so that the program can restore the terminal. If the program has not ended two seconds later, the function kills
// it.
//
// The function returns a [*ProgramError] if the program's exit status is not 0. It returns another error if the
// program writes more than 64 KiB.
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
		return cmd.Process.Kill() // on Windows, SIGTERM cannot be sent
	}
	out, stderr := &program.Output{Limit: maxOutput}, &program.Output{Limit: maxStderr}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(stdin), out, stderr
	if stdin == nil && !cmd.NoTerminal {
		if in, errs, err := OpenTerminalFiles(); err == nil {
			defer in.Close()
			defer errs.Close()
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
		return nil, fmt.Errorf("%s: the output is longer than %d bytes", name, maxOutput)
	}
	return out.Bytes(), nil
}

// A ProgramError reports that a program failed. The functions that [Runner] returns return this error.
type ProgramError struct {
	Program string
	Code    int    // the program's exit status; -1 if a signal ended the program
	Stderr  string // the first line of the program's standard error
	Err     error  // the system's error
}

func (e *ProgramError) Error() string {
	if e.Stderr == "" {
		return fmt.Sprintf("%s: %v", e.Program, e.Err)
	}
	return fmt.Sprintf("%s: %v: %s", e.Program, e.Err, e.Stderr)
}

// ExitCode returns the program's exit status, or -1 if a signal ended the program.
func (e *ProgramError) ExitCode() int { return e.Code }
func (e *ProgramError) Unwrap() error { return e.Err }

// exitCode returns the exit status that err contains. The second result is false if err contains none.
func exitCode(err error) (int, bool) {
	var exited interface{ ExitCode() int }
	if !errors.As(err, &exited) {
		return 0, false
	}
	return exited.ExitCode(), true
}

// firstLine returns the first line of text that is not empty.
func firstLine(text string) string {
	for l := range strings.Lines(text) {
		if l = strings.TrimSpace(l); l != "" {
			return sanitize(l)
		}
	}
	return ""
}
