package prompt

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"testing"
)

// A fakeEnv creates an Env that runs no real programs. Each run returns the output that the test has set.
type fakeEnv struct {
	t        *testing.T
	vars     map[string]string
	programs []string // names of the programs that exist
	outputs  []string // the output of each run, in order
	errs     []error  // the error of each run, in order; if there are fewer errors than runs, the last runs succeed
	tty      TTY      // the terminal; nil if there is none

	ran   [][]string
	stdin [][]byte
}

func newFakeEnv(t *testing.T) *fakeEnv { return &fakeEnv{t: t, vars: map[string]string{}} }

func (w *fakeEnv) env() Env {
	return Env{
		Lookup: func(name string) (string, bool) { v, ok := w.vars[name]; return v, ok },
		LookPath: func(program string) (string, error) {
			if slices.Contains(w.programs, program) {
				return "/bin/" + program, nil
			}
			return "", &exec.Error{Name: program, Err: exec.ErrNotFound}
		},
		Run: w.run,
		OpenTTY: func() (TTY, error) {
			if w.tty == nil {
				return nil, ErrNoTerminal
			}
			return w.tty, nil
		},
	}
}

func (w *fakeEnv) run(_ context.Context, argv []string, stdin []byte) ([]byte, error) {
	n := len(w.ran)
	w.ran, w.stdin = append(w.ran, argv), append(w.stdin, stdin)
	var err error
	if n < len(w.errs) {
		err = w.errs[n]
	}
	if n < len(w.outputs) {
		return []byte(w.outputs[n]), err
	}
	if err == nil {
		w.t.Fatalf("unexpected run of %q", argv)
	}
	return nil, err
}

// failed returns the error of a program that wrote stderr to its standard error and exited with the status code.
func failed(code int, stderr string) error {
	return &ProgramError{Program: "program", Code: code, Stderr: stderr, Err: fmt.Errorf("exit status %d", code)}
}
