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

// Roles that the test binary plays: the vault that runs a command beside itself, and a
// command that tells what becomes of it.
const (
	runnerVariable  = "TEST_AS_RUNNER"
	tellerVariable  = "TEST_AS_TELLER"
	touchesVariable = "TEST_RUNNER_TOUCHES" // a library of the vault's touches the terminal when SIGUSR2 comes
	readsVariable   = "TEST_RUNNER_READS"   // the vault reads the terminal once the command has ended
)

func init() {
	switch {
	case os.Getenv(runnerVariable) != "":
		os.Unsetenv(runnerVariable)
		beRunner()
	case os.Getenv(tellerVariable) != "":
		os.Unsetenv(tellerVariable)
		beTeller()
	}
}

// beRunner runs its arguments as a command, as exec does with a server.
func beRunner() {
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

// touchTerminal starts a program, when it is asked to, as a library does that knows nothing of the
// terminal.
func touchTerminal(asked <-chan os.Signal) {
	for range asked {
		err := exec.Command("sh", "-c", "read line </dev/tty").Run()
		fmt.Printf("the library says: %v.\n", err)
	}
}

// beTeller says which signals reach it, and does as the lines that it reads say.
func beTeller() {
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

// runnerEnv makes a command line of the test binary with "runner" and "teller" in it.
func runnerEnv(dir string) []string {
	return []string{
		"PATH=" + dir + ":/usr/bin:/bin", "HOME=" + dir, "TERM=dumb", "LC_ALL=C", "PS1=READY> ", "ENV=",
		"GOCOVERDIR=" + os.Getenv("GOCOVERDIR"), quickRace,
	}
}

// players puts runner and teller into a directory.
func players(t *testing.T) (dir string) {
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

// A person sits before a shell on a terminal.
func startJobShell(t *testing.T) *shell {
	t.Helper()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skipf("bash is not here: %v", err)
	}
	heard := make(chan os.Signal, 1)
	signal.Notify(heard, unix.SIGHUP) // were it ignored, as by nohup, so it would be by all that we start
	t.Cleanup(func() { signal.Stop(heard) })
	dir := players(t)
	c := exec.Command(bash, "--norc", "--noprofile", "-b", "-i") // which tells of a stop at once
	c.Dir, c.Env = dir, runnerEnv(dir)
	return onTerminal(t, c)
}

// started types a line, waits until the teller that it starts is ready, and returns the
// processes of both.
func (s *shell) started(line string) (runner, teller int) {
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

// once fails the test unless the teller says once that it got the signal, before it says
// so of another one, which is sent to make sure that no more come.
func (s *shell) once(name string, runner int) {
	s.t.Helper()
	s.await("got " + name + ".")
	if err := unix.Kill(runner, unix.SIGUSR1); err != nil {
		s.t.Fatal(err)
	}
	if more := s.await("got SIGUSR1."); strings.Contains(more, "got ") {
		s.t.Errorf("the command got %s and then %q", name, more)
	}
}

// ends has the command end with a status, and sees that the shell is told of it.
func (s *shell) ends(status int) {
	s.t.Helper()
	s.press(fmt.Sprintf("exit %d\r", status))
	s.await("READY> ")
	s.is(status)
}

func (s *shell) is(status int) {
	s.t.Helper()
	s.press("echo \"<$?>\"\r")
	s.await(fmt.Sprintf("<%d>", status))
	s.await("READY> ")
}

const ctrlC, ctrlD, ctrlZ, ctrlBackslash = "\x03", "\x04", "\x1a", "\x1c"

func TestChildKeys(t *testing.T) {
	s := startJobShell(t)
	s.await("READY> ")
	runner, _ := s.started("runner teller")
	s.press(ctrlC)
	s.once("SIGINT", runner)
	s.press(ctrlBackslash)
	s.once("SIGQUIT", runner)
	if err := pty.Setsize(s.tty, &pty.Winsize{Rows: 30, Cols: 100}); err != nil {
		t.Fatal(err)
	}
	s.once("SIGWINCH", runner)
	s.press("hello\r")
	s.await("read <hello>.")
	s.ends(7)
}

func TestChildGetsOurSignals(t *testing.T) {
	for _, line := range []string{"runner teller", "cat | runner teller", "sh -c 'runner teller; exit $?'"} {
		t.Run(line, func(t *testing.T) {
			s := startJobShell(t)
			s.await("READY> ")
			runner, teller := s.started(line)
			for _, sig := range []syscall.Signal{unix.SIGTERM, unix.SIGUSR2} {
				if err := unix.Kill(runner, sig); err != nil {
					t.Fatal(err)
				}
				s.once(unix.SignalName(sig), runner)
			}
			if line == "runner teller" { // else no one could tell them from keys
				for _, sig := range []syscall.Signal{unix.SIGINT, unix.SIGQUIT, unix.SIGHUP, unix.SIGWINCH} {
					if err := unix.Kill(runner, sig); err != nil {
						t.Fatal(err)
					}
					s.once(unix.SignalName(sig), runner)
				}
			}
			if err := unix.Kill(teller, unix.SIGKILL); err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(line, "cat") {
				s.press(ctrlD) // which ends cat too
			}
			s.await("READY> ")
			s.is(128 + int(unix.SIGKILL))
		})
	}
}

func TestChildStops(t *testing.T) {
	s := startJobShell(t)
	s.await("READY> ")
	runner, teller := s.started("runner teller")
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
	s.once("SIGINT", runner)
	if err := unix.Kill(teller, unix.SIGSTOP); err != nil { // by whoever, not by a key
		t.Fatal(err)
	}
	s.await("Stopped")
	s.await("READY> ")
	s.press("bg\r")
	s.await("Stopped") // since it reads the terminal
	s.press("fg\r")
	s.await("got SIGCONT.")
	s.ends(3)
}

// A command that is started in the background asks for the terminal when it reads from it,
// and gets it with fg.
func TestChildInTheBackground(t *testing.T) {
	s := startJobShell(t)
	s.await("READY> ")
	runner, _ := s.started("runner teller &")
	s.await("Stopped")
	s.press("fg\r")
	s.await("got SIGCONT.")
	s.press("mine\r")
	s.await("read <mine>.")
	s.press(ctrlC)
	s.once("SIGINT", runner)
	s.ends(4)
}

// A library that starts a program which reads the terminal stops neither us nor the command.
func TestChildBesideALibrary(t *testing.T) {
	s := startJobShell(t)
	s.await("READY> ")
	runner, _ := s.started(touchesVariable + "=1 runner teller")
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
	s.ends(3)
}

// The other programs of a pipeline have the terminal and its keys as they would without us.
func TestChildAmongOthers(t *testing.T) {
	s := startJobShell(t)
	s.await("READY> ")
	runner, teller := s.started("runner teller </dev/null | { trap '' INT; sed -u '/SIGINT/q'; read line </dev/tty; echo \"<<$line>>\"; cat; }")
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

// Where there is no shell to continue it, as in a container, a key stops nothing. The
// terminal is ours again in the end.
func TestChildWithoutAShell(t *testing.T) {
	dir := players(t)
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

// Shells in shells, each with jobs of its own.
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
	s.is(5)
	s.press("exit 6\r")
	s.await("READY> ")
	s.is(6)
}

func TestChildStatus(t *testing.T) {
	dir := players(t)
	for script, want := range map[string]int{"exit 0": 0, "exit 7": 7, "kill -TERM $$": 143, "kill -KILL $$": 137} {
		c := exec.Command(dir+"/runner", "sh", "-c", script)
		c.Env, c.SysProcAttr = runnerEnv(dir), &syscall.SysProcAttr{Setsid: true} // far from any terminal
		c.Run()
		if got := c.ProcessState.ExitCode(); got != want {
			t.Errorf("after %q the status is %d, want %d", script, got, want)
		}
	}
	if _, err := system.NewEnv("", system.RemoveSecrets()).RunChild(dir+"/nothing", []string{"nothing"}, nil); !os.IsNotExist(err) {
		t.Errorf("error %v, want that there is no such program", err)
	}
}

// However we end, the command does not outlive us.
func TestChildDiesWithUs(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("no other system promises that")
	}
	dir := players(t)
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
		t.Fatalf("the command says %q, %v", line, err)
	}
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(shown); err != nil || len(rest) > 0 { // it ends when the command does
		t.Errorf("the command says %q, %v", rest, err)
	}
	c.Wait()
}

// What nohup has us ignore, the command ignores.
func TestChildIgnoresWhatWeDo(t *testing.T) {
	dir := players(t)
	c := exec.Command("sh", "-c", "trap '' HUP; exec runner sh -c 'kill -HUP $$; echo went on'")
	c.Env = runnerEnv(dir)
	c.Path, _ = exec.LookPath("sh")
	if out, err := c.Output(); err != nil || string(out) != "went on\n" {
		t.Errorf("%q, %v", out, err)
	}
}
