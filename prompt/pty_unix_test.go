//go:build unix

package prompt

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

const (
	roleVariable     = "PROMPT_TEST_ROLE"
	requestsVariable = "PROMPT_TEST_REQUESTS"
	driverVariable   = "PROMPT_TEST_DRIVER" // name of the driver; not set for the default driver
	outcomeFile      = 3                    // file descriptor to which a child writes its outcomes
	ttyFile          = 4                    // file descriptor of the child's controlling terminal
	testTimeout      = 20 * time.Second
)

// TestMain runs the tests, or a program that prompts. The tests start this binary as that program, so that its
// /dev/tty is a terminal that the test controls.
func TestMain(m *testing.M) {
	switch os.Getenv(roleVariable) {
	case "":
		os.Exit(m.Run())
	case "asker":
		runAsker()
	case "picker":
		runPicker()
	case "shell":
		runShell()
	}
}

// An outcome is what a child reports about one request, or about its standard input after the last request.
type outcome struct {
	Answer    string
	Err       string
	Cancelled bool
	Stdin     string
}

func realEnv() Env {
	return Env{Lookup: os.LookupEnv, LookPath: exec.LookPath, Run: runProgram, OpenTTY: OpenTTY}
}

func runAsker() {
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGINT, unix.SIGUSR1)
	defer stop()
	report := json.NewEncoder(os.NewFile(outcomeFile, "outcome"))
	var requests []Request
	if err := json.Unmarshal([]byte(os.Getenv(requestsVariable)), &requests); err != nil {
		panic(err)
	}
	p, err := Choose(realEnv(), os.Getenv(driverVariable), Options{})
	for _, r := range requests {
		var o outcome
		if err == nil {
			o.Answer, err = p.Ask(ctx, r)
		}
		if err != nil {
			o.Err, o.Cancelled = err.Error(), errors.Is(err, ErrCancelled)
		}
		report.Encode(o)
		err = nil
	}
	in, _ := io.ReadAll(os.Stdin)
	report.Encode(outcome{Stdin: string(in)})
}

// A screen is the outer side of a pseudoterminal. It records everything that is shown on the pseudoterminal.
type screen struct {
	t        *testing.T
	ptm, pts *os.File
	mu       sync.Mutex
	seen     bytes.Buffer
	grown    chan struct{}
}

func newScreen(t *testing.T) *screen {
	ptm, pts, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	s := &screen{t: t, ptm: ptm, pts: pts, grown: make(chan struct{}, 1)}
	t.Cleanup(func() { ptm.Close(); pts.Close() })
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := ptm.Read(buf)
			s.mu.Lock()
			s.seen.Write(buf[:n])
			s.mu.Unlock()
			select {
			case s.grown <- struct{}{}:
			default:
			}
			if err != nil {
				return
			}
		}
	}()
	return s
}

func (s *screen) transcript() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen.String()
}

// expect waits until text has been shown at least n times.
func (s *screen) expect(text string, n int) {
	s.t.Helper()
	deadline := time.After(testTimeout)
	for strings.Count(s.transcript(), text) < n {
		select {
		case <-s.grown:
		case <-deadline:
			s.t.Fatalf("the terminal shows %q, want %q %d times", s.transcript(), text, n)
		}
	}
}

func (s *screen) press(keys string) {
	s.t.Helper()
	if _, err := s.ptm.WriteString(keys); err != nil {
		s.t.Fatal(err)
	}
}

func (s *screen) state() unix.Termios {
	s.t.Helper()
	state, err := unix.IoctlGetTermios(int(s.pts.Fd()), termiosRead)
	if err != nil {
		s.t.Fatal(err)
	}
	return *state
}

// A child is this test binary, running as another program whose terminal is a screen.
type child struct {
	*screen
	cmd      *exec.Cmd
	outcomes *json.Decoder
	stdin    io.WriteCloser
	stdout   *bytes.Buffer
	before   unix.Termios
}

const otherInput = "not an answer\n123456\n"

func (s *screen) start(role string, requests ...Request) *child {
	s.t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		s.t.Fatal(err)
	}
	asked, err := json.Marshal(requests)
	if err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleVariable+"="+role, requestsVariable+"="+string(asked),
		"GORACE=atexit_sleep_ms=0") // otherwise the race detector delays each child's end by a second
	cmd.ExtraFiles = []*os.File{w, s.pts}
	cmd.SysProcAttr = &unix.SysProcAttr{Setsid: true, Setctty: true, Ctty: ttyFile}
	c := &child{screen: s, cmd: cmd, outcomes: json.NewDecoder(r), stdout: new(bytes.Buffer), before: s.state()}
	cmd.Stdout, cmd.Stderr = c.stdout, os.Stderr
	if c.stdin, err = cmd.StdinPipe(); err != nil {
		s.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	w.Close()
	s.t.Cleanup(func() { cmd.Process.Kill(); r.Close() })
	r.SetReadDeadline(time.Now().Add(testTimeout))
	return c
}

// outcome returns the next outcome that the child reports.
func (c *child) outcome() outcome {
	c.t.Helper()
	var o outcome
	if err := c.outcomes.Decode(&o); err != nil {
		c.t.Fatalf("the child reported no outcome: %v; the terminal shows %q", err, c.transcript())
	}
	return o
}

// finish checks three things after the last question: the terminal's settings are restored, the child has not used
// standard input and output, and no escape sequence was shown.
func (c *child) finish() {
	c.t.Helper()
	if after := c.state(); after != c.before {
		c.t.Errorf("the terminal's settings are %+v, want %+v", after, c.before)
	}
	io.WriteString(c.stdin, otherInput)
	c.stdin.Close()
	if got := c.outcome().Stdin; got != otherInput {
		c.t.Errorf("the unread standard input is %q, want %q", got, otherInput)
	}
	if err := c.cmd.Wait(); err != nil {
		c.t.Error(err)
	}
	if c.stdout.Len() > 0 {
		c.t.Errorf("standard output is %q, want nothing", c.stdout)
	}
	if strings.Contains(c.transcript(), "\x1b") {
		c.t.Errorf("the terminal was sent %q, want no escape sequence", c.transcript())
	}
}

func (c *child) wantAnswer(want string) {
	c.t.Helper()
	if got := c.outcome(); got != (outcome{Answer: want}) {
		c.t.Errorf("the outcome is %+v, want the answer %q", got, want)
	}
}

func (c *child) wantCancelled() {
	c.t.Helper()
	if got := c.outcome(); !got.Cancelled || got.Answer != "" {
		c.t.Errorf("the outcome is %+v, want it cancelled", got)
	}
}

func (c *child) wantTranscript(want string) {
	c.t.Helper()
	c.expect(want, 1)
	if got := c.transcript(); got != want {
		c.t.Errorf("the terminal shows\n%q, want\n%q", got, want)
	}
}

func (c *child) signal(sig os.Signal) {
	c.t.Helper()
	if err := c.cmd.Process.Signal(sig); err != nil {
		c.t.Fatal(err)
	}
}

// runShell starts an asker, which is a process that calls runAsker. Like a shell, it starts the asker in the
// foreground and in a process group of its own. Whenever the asker is stopped, runShell reports whether the
// terminal echoes, and then continues the asker.
func runShell() {
	report := json.NewEncoder(os.NewFile(outcomeFile, "outcome"))
	signal.Ignore(unix.SIGTTOU) // needed so that this process can return to the foreground
	job := exec.Command(os.Args[0])
	job.Env = append(os.Environ(), roleVariable+"=asker")
	job.Stdin = strings.NewReader("")
	job.ExtraFiles = []*os.File{os.NewFile(outcomeFile, "outcome")}
	job.SysProcAttr = &unix.SysProcAttr{Setpgid: true, Foreground: true, Ctty: ttyFile}
	if err := job.Start(); err != nil {
		panic(err)
	}
	var status unix.WaitStatus
	for {
		if _, err := unix.Wait4(job.Process.Pid, &status, unix.WUNTRACED, nil); err != nil {
			panic(err)
		}
		if !status.Stopped() {
			return
		}
		unix.IoctlSetPointerInt(ttyFile, unix.TIOCSPGRP, unix.Getpgrp())
		state, err := unix.IoctlGetTermios(ttyFile, termiosRead)
		if err != nil {
			panic(err)
		}
		report.Encode(outcome{Answer: fmt.Sprint("stopped, echo ", state.Lflag&unix.ECHO != 0)})
		unix.IoctlSetPointerInt(ttyFile, unix.TIOCSPGRP, job.Process.Pid)
		unix.Kill(-job.Process.Pid, unix.SIGCONT)
	}
}
