//go:build unix

package cli_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"aws-vault/cli/system"
)

// The first two variables make the test binary run as the program runner or teller. The runner acts like an
// aws-vault that runs a command as a child process. The teller is a command that prints the signals and lines that
// it receives.
const (
	runnerVariable  = "TEST_AS_RUNNER"
	tellerVariable  = "TEST_AS_TELLER"
	touchesVariable = "TEST_RUNNER_TOUCHES" // makes the runner imitate a library that reads the terminal after SIGUSR2
	readsVariable   = "TEST_RUNNER_READS"   // makes the runner read the terminal after the command has ended
)

func init() {
	switch {
	case os.Getenv(runnerVariable) != "":
		os.Unsetenv(runnerVariable)
		runRunner()
	case os.Getenv(tellerVariable) != "":
		os.Unsetenv(tellerVariable)
		runTeller()
	}
}

// runRunner runs the program's arguments as a command. The command is a child process, as it is when aws-vault
// exec also runs a server.
func runRunner() {
	path, err := exec.LookPath(os.Args[1])
	if err == nil {
		fmt.Fprintf(os.Stderr, "<runner %d>\n", os.Getpid())
		if os.Getenv(touchesVariable) != "" {
			asked := make(chan os.Signal, 1)
			signal.Notify(asked, unix.SIGUSR2)
			go touchTerminal(asked)
		}
		var status int
		if status, err = system.NewEnv("", system.RemoveSecrets()).RunChild(path, os.Args[1:], os.Environ()); err == nil {
			if os.Getenv(readsVariable) != "" {
				fmt.Println("ended.")
				line, err := bufio.NewReader(os.Stdin).ReadString('\n')
				fmt.Printf("then read <%s>, %v.\n", strings.TrimSpace(line), err)
			}
			os.Exit(status)
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(99)
}

// touchTerminal behaves like a library that uses the terminal. For each signal from the channel, it starts a
// program that reads the terminal.
func touchTerminal(asked <-chan os.Signal) {
	for range asked {
		err := exec.Command("sh", "-c", "read line </dev/tty").Run()
		fmt.Printf("the library says: %v.\n", err)
	}
}

// runTeller prints the signals and lines that it receives. After the line "exit N", it ends with status N.
func runTeller() {
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, unix.SIGINT, unix.SIGQUIT, unix.SIGHUP, unix.SIGTERM, unix.SIGUSR1, unix.SIGUSR2, unix.SIGWINCH, unix.SIGCONT)
	fmt.Printf("<teller %d>\n", os.Getpid())
	lines := make(chan string)
	go func() {
		for in := bufio.NewScanner(os.Stdin); in.Scan(); {
			lines <- in.Text()
		}
		close(lines)
	}()
	for {
		select {
		case s := <-signals:
			fmt.Printf("got %s.\n", unix.SignalName(s.(syscall.Signal)))
		case line, ok := <-lines:
			switch status, err := strconv.Atoi(strings.TrimPrefix(line, "exit ")); {
			case !ok:
				lines = nil
			case err == nil:
				os.Exit(status)
			default:
				fmt.Printf("read <%s>.\n", line)
			}
		}
	}
}

// runnerEnv returns an environment in which the programs runner and teller are in PATH.
func runnerEnv(dir string) []string {
	return []string{
		"PATH=" + dir + ":/usr/bin:/bin", "HOME=" + dir, "TERM=dumb", "LC_ALL=C", "PS1=READY> ", "ENV=",
		"GOCOVERDIR=" + os.Getenv("GOCOVERDIR"), quickRace,
	}
}

// installRunnerAndTeller creates the programs runner and teller in a directory.
func installRunnerAndTeller(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, variable := range map[string]string{"runner": runnerVariable, "teller": tellerVariable} {
		script := fmt.Sprintf("#!/bin/sh\n%s=1 exec %s \"$@\"\n", variable, os.Args[0])
		if err := os.WriteFile(dir+"/"+name, []byte(script), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// startJobShell starts an interactive bash with job control on a terminal.
func startJobShell(t *testing.T) *shell {
	t.Helper()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skipf("bash is not installed: %v", err)
	}
	heard := make(chan os.Signal, 1)
	// If this process ignores SIGHUP, Notify ends that. Otherwise its child processes would ignore SIGHUP too.
	signal.Notify(heard, unix.SIGHUP)
	t.Cleanup(func() { signal.Stop(heard) })
	dir := installRunnerAndTeller(t)
	c := exec.Command(bash, "--norc", "--noprofile", "-b", "-i") // -b makes bash report stopped jobs at once
	c.Dir, c.Env = dir, runnerEnv(dir)
	return onTerminal(t, c)
}

// startTeller types a command line and waits until runner and teller are ready. It returns their process ids.
func (s *shell) startTeller(line string) (runner, teller int) {
	s.t.Helper()
	s.press(line + "\r")
	s.await("<runner ")
	runner = number(s.t, s.await(">"))
	s.await("<teller ")
	return runner, number(s.t, s.await(">"))
}

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// expectOnce checks that the teller receives the signal exactly once. After the first arrival, expectOnce sends
// SIGUSR1 and waits until the teller receives SIGUSR1. A second copy of the signal would arrive before SIGUSR1.
func (s *shell) expectOnce(name string, runner int) {
	s.t.Helper()
	s.await("got " + name + ".")
	if err := unix.Kill(runner, unix.SIGUSR1); err != nil {
		s.t.Fatal(err)
	}
	if more := s.await("got SIGUSR1."); strings.Contains(more, "got ") {
		s.t.Errorf("the command got %s and then %q", name, more)
	}
}

// exitCommand makes the command exit with a status, and checks that the shell gets the same status.
func (s *shell) exitCommand(status int) {
	s.t.Helper()
	s.press(fmt.Sprintf("exit %d\r", status))
	s.await("READY> ")
	s.expectStatus(status)
}

func (s *shell) expectStatus(status int) {
	s.t.Helper()
	s.press("echo \"<$?>\"\r")
	s.await(fmt.Sprintf("<%d>", status))
	s.await("READY> ")
}

const ctrlC, ctrlD, ctrlZ, ctrlBackslash = "\x03", "\x04", "\x1a", "\x1c"

func TestChildGetsKeySignals(t *testing.T) {
	s := startJobShell(t)
	s.await("READY> ")
	runner, _ := s.startTeller("runner teller")
	s.press(ctrlC)
	s.expectOnce("SIGINT", runner)
	s.press(ctrlBackslash)
	s.expectOnce("SIGQUIT", runner)
	if err := pty.Setsize(s.tty, &pty.Winsize{Rows: 30, Cols: 100}); err != nil {
		t.Fatal(err)
	}
	s.expectOnce("SIGWINCH", runner)
	s.press("hello\r")
	s.await("read <hello>.")
	s.exitCommand(7)
}

func TestChildGetsOurSignals(t *testing.T) {
	for _, line := range []string{"runner teller", "cat | runner teller", "sh -c 'runner teller; exit $?'"} {
		t.Run(line, func(t *testing.T) {
			s := startJobShell(t)
			s.await("READY> ")
			runner, teller := s.startTeller(line)
			for _, sig := range []syscall.Signal{unix.SIGTERM, unix.SIGUSR2} {
				if err := unix.Kill(runner, sig); err != nil {
					t.Fatal(err)
				}
				s.expectOnce(unix.SignalName(sig), runner)
			}
			for _, sig := range []syscall.Signal{unix.SIGINT, unix.SIGQUIT, unix.SIGHUP, unix.SIGWINCH} {
				if sig == unix.SIGWINCH && line != "runner teller" {
					continue // in a pipeline or script, only the terminal sends this signal to the teller
				}
				if err := unix.Kill(runner, sig); err != nil {
					t.Fatal(err)
				}
				s.expectOnce(unix.SignalName(sig), runner)
			}
			if err := unix.Kill(teller, unix.SIGKILL); err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(line, "cat") {
				s.press(ctrlD) // Ctrl-D also ends the program cat
			}
			s.await("READY> ")
			s.expectStatus(128 + int(unix.SIGKILL))
		})
	}
}

func TestChildStops(t *testing.T) {
	s := startJobShell(t)
	s.await("READY> ")
	runner, teller := s.startTeller("runner teller")
	for range 2 {
		s.press(ctrlZ)
		s.await("Stopped")
		s.await("READY> ")
		s.press("echo the shell read this\r")
		s.await("\nthe shell read this")
		s.await("READY> ")
		s.press("fg\r")
		s.await("got SIGCONT.")
		s.press("mine\r")
		s.await("read <mine>.")
	}
	s.press(ctrlC)
	s.expectOnce("SIGINT", runner)
	if err := unix.Kill(teller, unix.SIGSTOP); err != nil { // the test sends this signal; no key is pressed
		t.Fatal(err)
	}
	s.await("Stopped")
	s.await("READY> ")
	s.press("bg\r")
	s.await("Stopped") // the command stops, because it reads the terminal in the background
	s.press("fg\r")
	s.await("got SIGCONT.")
	s.exitCommand(3)
}

// TestChildInTheBackground starts a command in the background. When the command reads the terminal, it must stop. After
// fg, it must continue.
func TestChildInTheBackground(t *testing.T) {
	s := startJobShell(t)
	s.await("READY> ")
	runner, _ := s.startTeller("runner teller &")
	s.await("Stopped")
	s.press("fg\r")
	s.await("got SIGCONT.")
	s.press("mine\r")
	s.await("read <mine>.")
	s.press(ctrlC)
	s.expectOnce("SIGINT", runner)
	s.exitCommand(4)
}

// TestChildWithLibraryOnTerminal makes a library start a program that reads the terminal. That program must stop
// neither aws-vault nor the command.
func TestChildWithLibraryOnTerminal(t *testing.T) {
	s := startJobShell(t)
	s.await("READY> ")
	runner, _ := s.startTeller(touchesVariable + "=1 runner teller")
	if err := unix.Kill(runner, unix.SIGUSR2); err != nil {
		t.Fatal(err)
	}
	s.await("the library says: exit status")
	s.press("mine\r")
	s.await("read <mine>.")
	s.press(ctrlZ)
	s.await("Stopped")
	s.await("READY> ")
	s.press("fg\r")
	s.await("got SIGCONT.")
	s.exitCommand(3)
}

// TestChildInAPipeline checks that the other programs in a pipeline can read the terminal, and get signals from keys.
func TestChildInAPipeline(t *testing.T) {
	s := startJobShell(t)
	s.await("READY> ")
	runner, teller := s.startTeller("runner teller </dev/null | { trap '' INT; sed -u '/SIGINT/q'; read line </dev/tty; echo \"<<$line>>\"; cat; }")
	s.press(ctrlC)
	s.await("got SIGINT.")
	s.press("for the other\r")
	s.await("<<for the other>>")
	if err := unix.Kill(runner, unix.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	if more := s.await("got SIGUSR1."); strings.Contains(more, "got ") {
		t.Errorf("the command got SIGINT and then %q", more)
	}
	s.press(ctrlZ)
	s.await("Stopped")
	s.await("READY> ")
	s.press("fg\r")
	s.await("got SIGCONT.")
	if err := unix.Kill(teller, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	s.await("READY> ")
}

// TestChildWithoutAShell checks that Ctrl-Z does not stop the command if there is no shell that could continue it, as
// in a container. After the command has ended, aws-vault must be able to read the terminal again.
func TestChildWithoutAShell(t *testing.T) {
	dir := installRunnerAndTeller(t)
	c := exec.Command(dir+"/runner", "teller")
	c.Env = append(runnerEnv(dir), readsVariable+"=1")
	s := onTerminal(t, c)
	s.await("<teller ")
	s.press(ctrlZ)
	s.await("got SIGCONT.")
	s.press("mine\r")
	s.await("read <mine>.")
	s.press("exit 0\r")
	s.await("ended.")
	s.press("ours\r")
	s.await("then read <ours>, <nil>.")
}

// TestChildIsAShell runs a shell inside a shell. In the inner shell, Ctrl-Z must stop only the teller. The command
// suspend must stop the inner shell.
func TestChildIsAShell(t *testing.T) {
	s := startJobShell(t)
	s.await("READY> ")
	const inner = "runner bash --norc --noprofile -i"
	for range 2 {
		s.press(inner + "\r")
		s.await("READY> ")
		s.press("teller\r")
		s.await("<teller ")
		s.press(ctrlZ)
		s.await("Stopped")
		s.await("READY> ")
		s.press("fg\r")
		s.await("got SIGCONT.")
		s.press("exit 0\r")
		s.await("READY> ")
	}
	s.press("suspend\r")
	s.await("Stopped")
	s.await("READY> ")
	s.press("fg\r")
	s.press("exit 5\r")
	s.await("READY> ")
	s.expectStatus(5)
	s.press("exit 6\r")
	s.await("READY> ")
	s.expectStatus(6)
}

func TestChildStatus(t *testing.T) {
	dir := installRunnerAndTeller(t)
	for script, want := range map[string]int{"exit 0": 0, "exit 7": 7, "kill -TERM $$": 143, "kill -KILL $$": 137} {
		c := exec.Command(dir+"/runner", "sh", "-c", script)
		c.Env, c.SysProcAttr = runnerEnv(dir), &syscall.SysProcAttr{Setsid: true} // Setsid detaches the command from the terminal
		c.Run()
		if got := c.ProcessState.ExitCode(); got != want {
			t.Errorf("after %q the status is %d, want %d", script, got, want)
		}
	}
	if _, err := system.NewEnv("", system.RemoveSecrets()).RunChild(dir+"/nothing", []string{"nothing"}, nil); !os.IsNotExist(err) {
		t.Errorf("error %v, want that the program does not exist", err)
	}
}

// TestChildDiesWithParent checks that the command ends when aws-vault is killed.
func TestChildDiesWithParent(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux can do this")
	}
	dir := installRunnerAndTeller(t)
	c := exec.Command(dir+"/runner", "teller")
	c.Env, c.SysProcAttr = runnerEnv(dir), &syscall.SysProcAttr{Setsid: true}
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	shown := bufio.NewReader(out)
	if line, err := shown.ReadString('\n'); err != nil || !strings.HasPrefix(line, "<teller ") {
		t.Fatalf("the first line of the command is %q, %v", line, err)
	}
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(shown); err != nil || len(rest) > 0 { // ReadAll returns after the command has ended
		t.Errorf("the command went on after the kill: %q, %v", rest, err)
	}
	c.Wait()
}

// TestChildInheritsIgnoredSignals checks that the command ignores the signals that aws-vault ignores, as with nohup.
func TestChildInheritsIgnoredSignals(t *testing.T) {
	dir := installRunnerAndTeller(t)
	c := exec.Command("sh", "-c", "trap '' HUP; exec runner sh -c 'kill -HUP $$; echo went on'")
	c.Env = runnerEnv(dir)
	c.Path, _ = exec.LookPath("sh")
	if out, err := c.Output(); err != nil || string(out) != "went on\n" {
		t.Errorf("%q, %v", out, err)
	}
}
