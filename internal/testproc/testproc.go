// Package testproc runs functions of a test in other processes, which the test can wait for and
// kill. A process is the test binary again, with the name of the function in its environment. A
// test of a whole program does not need it: it runs the program.
package testproc

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
)

// A Func runs in a process of its own, which fails if it returns an error. The argument is the test's,
// such as the directory that both use.
type Func func(argument string) error

const (
	nameVariable     = "TESTPROC_NAME"
	argumentVariable = "TESTPROC_ARGUMENT"
)

// Main is for a package's TestMain: it runs the function that this process was started for, or the tests,
// and ends the process.
func Main(m *testing.M, functions map[string]Func) {
	name, started := os.LookupEnv(nameVariable)
	if !started {
		os.Exit(m.Run())
	}
	f, ok := functions[name]
	if !ok {
		fmt.Fprintf(os.Stderr, "no function is named %q\n", name)
		os.Exit(1)
	}
	if err := f(os.Getenv(argumentVariable)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// A Process runs a function. It is killed when the test ends.
type Process struct {
	cmd    *exec.Cmd
	output io.Reader
	input  io.Closer
	errors bytes.Buffer
}

// Start runs a function by the name that Main knows it by.
func Start(t testing.TB, name, argument string) *Process {
	t.Helper()
	p := &Process{cmd: exec.Command(os.Args[0])}
	p.cmd.Env = append(os.Environ(), nameVariable+"="+name, argumentVariable+"="+argument)
	p.cmd.Stderr = &p.errors
	output, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	input, err := p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.output, p.input = output, input
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	return p
}

// AwaitReady returns once the function has called [Ready].
func (p *Process) AwaitReady(t testing.TB) {
	t.Helper()
	if _, err := io.ReadFull(p.output, make([]byte, 1)); err != nil {
		t.Fatalf("the other process was not ready: %v; %s", err, &p.errors)
	}
}

// Release lets a function go on that has called [WaitForRelease].
func (p *Process) Release() { p.input.Close() }

// AwaitSuccess waits for the function's end. The test fails if the function did.
func (p *Process) AwaitSuccess(t testing.TB) {
	t.Helper()
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("%v: %s", err, &p.errors)
	}
}

// Kill ends the process wherever it is, and returns when it has ended.
func (p *Process) Kill() {
	p.cmd.Process.Kill()
	p.cmd.Wait()
}

// Ready tells the test, once, that this process has got where the test wants it.
func Ready() { os.Stdout.Write([]byte{'!'}) }

// WaitForRelease returns when the test releases this process, or has ended.
func WaitForRelease() { io.Copy(io.Discard, os.Stdin) }
