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
	maxOutput = 64 << 10 // bytes of a program's answer
	maxStderr = 200      // bytes of its complaint
)

// Runner returns a function that runs argv and returns its standard output. With a nil stdin the program's standard
// input and error are the controlling terminal, if there is one and it is not lent. When ctx is done it is asked to
// end, so that it can leave the terminal as it was, and killed two seconds later.
//
// It returns a [*ProgramError] if the program ends otherwise than with status 0, and an error if it writes more than
// 64 KiB.
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
		return cmd.Process.Kill() // there are no signals on Windows
	}
	out, stderr := &program.Output{Limit: maxOutput}, &program.Output{Limit: maxStderr}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(stdin), out, stderr
	if stdin == nil && !cmd.NoTerminal {
		if in, errs, err := openTerminalFiles(); err == nil {
			defer in.Close()
			defer errs.Close() // the same file on Unix
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
		return nil, fmt.Errorf("%s: wrote more than %d bytes, want an answer", name, maxOutput)
	}
	return out.Bytes(), nil
}

// A ProgramError is returned by what [Runner] returns, for a program that failed.
type ProgramError struct {
	Program string
	Code    int    // its exit status, -1 if a signal ended it
	Stderr  string // the first line of its standard error
	Err     error  // what the system says
}

func (e *ProgramError) Error() string {
	if e.Stderr == "" {
		return fmt.Sprintf("%s: %v", e.Program, e.Err)
	}
	return fmt.Sprintf("%s: %v: %s", e.Program, e.Err, e.Stderr)
}

// ExitCode returns the program's exit status, -1 if a signal ended it.
func (e *ProgramError) ExitCode() int { return e.Code }
func (e *ProgramError) Unwrap() error { return e.Err }

// exitCode returns the status of the program that made err, and false if err is of another kind.
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
