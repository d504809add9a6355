//go:build unix

package prompt

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// runProgram runs a program without a program.Starter, so the terminal is never busy and the program may use it.
var runProgram = Runner(nil)

// script creates an executable shell script and returns its path.
func script(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRun(t *testing.T) {
	out, err := runProgram(t.Context(), []string{script(t, "echoes", `echo "$1"; cat; echo noise >&2`), "a b"}, []byte("input"))
	if err != nil || string(out) != "a b\ninput" {
		t.Errorf("the output is %q, %v", out, err)
	}
	_, err = runProgram(t.Context(), []string{script(t, "fails", "echo; echo first >&2; echo second >&2; exit 7")}, noInput)
	var failure *ProgramError
	if !errors.As(err, &failure) || failure.Code != 7 || failure.Stderr != "first" || failure.Program != "fails" {
		t.Errorf("the failure is %#v, want status 7 and the first line of standard error", err)
	}
	if code, ok := exitCode(err); !ok || code != 7 || err.Error() != "fails: exit status 7: first" {
		t.Errorf("the error is %q with status %d", err, code)
	}
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) {
		t.Errorf("the error %v does not wrap the system's error", err)
	}
	_, err = runProgram(t.Context(), []string{script(t, "quiet", "exit 3")}, noInput)
	if err == nil || err.Error() != "quiet: exit status 3" {
		t.Errorf("the error is %v", err)
	}
	_, err = runProgram(t.Context(), []string{"/nonexistent/zenity"}, noInput)
	if err == nil || errors.As(err, &failure) && failure.Program == "zenity" {
		t.Errorf("the error of a missing program is %v", err)
	}
	if _, ok := exitCode(errors.New("other")); ok {
		t.Error("an error without an exit status returned one")
	}
}

func TestRunIsBounded(t *testing.T) {
	for size, want := range map[string]bool{"65536": true, "65537": false} {
		out, err := runProgram(t.Context(), []string{script(t, "long", "head -c "+size+" /dev/zero")}, noInput)
		if (err == nil) != want || want && len(out) != maxOutput {
			t.Errorf("%s bytes of output: got %d bytes, %v", size, len(out), err)
		}
	}
	_, err := runProgram(t.Context(), []string{script(t, "chatty", "head -c 1000000 /dev/zero | tr '\\0' x >&2; exit 1")}, noInput)
	var failure *ProgramError
	if !errors.As(err, &failure) || len(failure.Stderr) != maxStderr {
		t.Errorf("the failure is %v, want %d bytes of standard error", err, maxStderr)
	}
}

// TestRunTerminatesProgramGracefully checks that a program can still restore the terminal when its context is
// cancelled.
func TestRunTerminatesProgramGracefully(t *testing.T) {
	left := filepath.Join(t.TempDir(), "in order")
	ready := filepath.Join(t.TempDir(), "ready")
	if err := unix.Mkfifo(ready, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		os.ReadFile(ready)
		cancel()
	}()
	program := script(t, "tidy", `trap 'touch "$1"; exit 1' TERM; echo > "$2"; while :; do sleep 0.01; done`)
	if _, err := runProgram(ctx, []string{program, left, ready}, noInput); err == nil {
		t.Error("a cancelled program returned an answer")
	}
	if _, err := os.Stat(left); err != nil {
		t.Errorf("the program did not receive SIGTERM: %v", err)
	}
}

// TestProbeIsLimited checks that probe does not wait forever for a program that hangs.
func TestProbeIsLimited(t *testing.T) {
	w := newFakeEnv(t)
	env := w.env()
	env.Run = func(ctx context.Context, _ []string, _ []byte) ([]byte, error) {
		if _, limited := ctx.Deadline(); !limited {
			t.Fatal("a probe has no deadline")
		}
		return nil, errors.New("broken")
	}
	if _, err := env.probe([]string{"/bin/ykman"}, noInput); err == nil || err.Error() != "broken" {
		t.Errorf("the error is %v, want the program's", err)
	}
}

// fakePinentry is a script that logs the commands that it receives, and returns a PIN that contains a percent sign.
const fakePinentry = `
echo "OK Pleased to meet you"
while read -r line; do
	printf '%s\n' "$line" >> "$(dirname "$0")/log"
	case $line in
	GETPIN) echo "D 50%25 %0A"; echo OK ;;
	BYE) echo OK; exit ;;
	*) echo OK ;;
	esac
done
`

func TestPinentryProcess(t *testing.T) {
	path := script(t, "pinentry", fakePinentry)
	w := newFakeEnv(t)
	env := w.env()
	env.Run = runProgram
	env.LookPath = func(string) (string, error) { return path, nil }
	p, err := chooseFrom([]Driver{pinentry}, env, "pinentry", Options{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := p.Ask(t.Context(), Request{Kind: Secret, Text: "for 100%\nof alice"})
	if err != nil || got != "50% \n" {
		t.Errorf("the answer is %q, %v", got, err)
	}
	log, err := os.ReadFile(filepath.Join(filepath.Dir(path), "log"))
	if err != nil || !strings.Contains(string(log), "\nSETDESC for 100%25 of alice\nSETPROMPT secret:\nGETPIN\nBYE\n") {
		t.Errorf("pinentry received\n%s%v", log, err)
	}
}

// TestPinentryCurses asks a question with the real program pinentry-curses, if it is installed.
func TestPinentryCurses(t *testing.T) {
	path, err := exec.LookPath("pinentry-curses")
	if err != nil {
		t.Skip("no pinentry-curses is installed")
	}
	s := newScreen(t)
	w := newFakeEnv(t)
	w.vars["GPG_TTY"], w.vars["TERM"] = s.pts.Name(), "xterm"
	env := w.env()
	env.Run = runProgram
	env.LookPath = func(string) (string, error) { return path, nil }
	p, err := chooseFrom([]Driver{pinentry}, env, "", Options{})
	if err != nil {
		t.Fatal(err)
	}
	answers := make(chan string, 1)
	go func() {
		answer, err := p.Ask(t.Context(), Request{Kind: Secret, Text: "secret for alice"})
		if err != nil {
			answer = err.Error()
		}
		answers <- answer
	}()
	s.expect("alice", 1)
	s.press("50%\r")
	if got := <-answers; got != "50%" {
		t.Errorf("the answer is %q, want 50%%", got)
	}
}
