package prompt

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"testing"
)

// A fakeEnv makes an Env in which nothing is real: programs are names and say what the test has them say.
type fakeEnv struct {
	t        *testing.T
	vars     map[string]string
	programs []string // those there are
	outputs  []string // what each run prints, in turn
	errs     []error  // what each run ends with; nil for those that are not there
	tty      TTY      // nil for none

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
		w.t.Fatalf("%q was run, which the test does not expect", argv)
	}
	return nil, err
}

// failed is a program's end with a status and a complaint.
func failed(code int, stderr string) error {
	return &ProgramError{Program: "program", Code: code, Stderr: stderr, Err: fmt.Errorf("exit status %d", code)}
}
