// Package testproc runs functions of a test in other processes. The test can wait for these processes
// and kill them. Each process runs the test binary, with the name of the function in the environment. A
// test of the whole program does not need this package: it runs the program itself.
package testproc

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
)

// A Func is a function that runs in a separate process. The process fails if the Func returns an error. The argument
// comes from the test; it is, for example, a directory that the test and the process both use.
type Func func(argument string) error

const (
	nameVariable     = "TESTPROC_NAME"
	argumentVariable = "TESTPROC_ARGUMENT"
)

// Main is called by a package's TestMain. If this process was started to run one of the functions, Main runs the
// function. Otherwise it runs the tests. Main then exits.
func Main(m *testing.M, functions map[string]Func) {
	name, started := os.LookupEnv(nameVariable)
	if !started {
		os.Exit(m.Run())
	}
	f, ok := functions[name]
	if !ok {
		fmt.Fprintf(os.Stderr, "unknown function %q\n", name)
		os.Exit(1)
	}
	if err := f(os.Getenv(argumentVariable)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// A Process is a process that runs a Func. The process is killed when the test ends.
type Process struct {
	cmd    *exec.Cmd
	output io.Reader
	input  io.Closer
	errors bytes.Buffer
}

// Start starts a process that runs a Func. The argument name is the name of the Func in the map that was passed
// to Main.
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

// AwaitReady waits until the process's function has called [Ready].
func (p *Process) AwaitReady(t testing.TB) {
	t.Helper()
	if _, err := io.ReadFull(p.output, make([]byte, 1)); err != nil {
		t.Fatalf("the other process was not ready: %v; %s", err, &p.errors)
	}
}

// Release makes [WaitForRelease] return in the process. If the process calls WaitForRelease later, the call returns
// immediately.
func (p *Process) Release() { p.input.Close() }

// AwaitSuccess waits until the process ends. The test fails if the process's function returned an error.
func (p *Process) AwaitSuccess(t testing.TB) {
	t.Helper()
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("%v: %s", err, &p.errors)
	}
}

// Kill kills the process and waits until the process has ended.
func (p *Process) Kill() {
	p.cmd.Process.Kill()
	p.cmd.Wait()
}

// Ready tells the test that the function in this process is ready. A Func calls Ready at most once.
func Ready() { os.Stdout.Write([]byte{'!'}) }

// WaitForRelease waits until the test has called [Process.Release] or has ended.
func WaitForRelease() { io.Copy(io.Discard, os.Stdin) }
