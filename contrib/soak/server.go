package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// A server is one process of aws-vault serve. It receives requests during the whole test.
type server struct {
	command  *exec.Cmd
	url      string
	token    string
	memory   int64        // resident memory in kilobytes, measured after the first tenth of the commands
	requests atomic.Int64 // number of requests so far
}

// serve starts a server that provides the credentials of alice, and of roles that alice can assume.
func (p *pool) serve() (*server, error) {
	tokens := filepath.Join(p.home, "tokens")
	s := &server{command: exec.CommandContext(p.ctx, p.program, "serve", "--address=127.0.0.1:0", "--token-dir="+tokens, "alice")}
	s.command.Env, s.command.Dir = p.environ, p.home
	s.command.Cancel = func() error { return s.command.Process.Signal(syscall.SIGTERM) }
	out, err := s.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.command.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(out)
	for s.url == "" && lines.Scan() {
		s.url, _ = strings.CutPrefix(lines.Text(), "AWS_CONTAINER_CREDENTIALS_FULL_URI=")
		if s.url == lines.Text() {
			s.url = ""
		}
	}
	if s.url == "" {
		return nil, errors.New("the server did not print its address")
	}
	go io.Copy(io.Discard, out)
	text, err := os.ReadFile(filepath.Join(tokens, "alice"))
	if err != nil {
		return nil, err
	}
	s.token = string(text)
	return s, nil
}

// ask requests credentials from the server. It chooses at random between the credentials of alice and those of a
// role.
func (s *server) ask(random *rand.Rand) error {
	url := s.url
	if random.IntN(2) == 0 {
		url += fmt.Sprintf("/role-arn/arn:aws:iam::%012d:role/soak", 100_000_000_000+random.IntN(roles))
	}
	r, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", s.token)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	s.requests.Add(1)
	if resp.StatusCode != http.StatusOK {
		return &commandError{[]string{"serve"}, errors.New(resp.Status), string(text)}
	}
	return nil
}

// resident returns the server's resident memory in kilobytes, or 0 if the system does not report it.
func (s *server) resident() int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.command.Process.Pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	kb, _ := strconv.ParseInt(fields[0], 10, 64)
	return kb
}

// mostGrowth is how much the server's memory may grow after the first tenth of the commands. The limit is this
// large because Go returns unused memory to the system late.
const mostGrowth = 8_000 // kilobytes

func (s *server) stop() error {
	late := s.resident()
	if err := s.command.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- s.command.Wait() }()
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		return errors.New("the server did not exit within 10 s")
	}
	fmt.Printf("the server received %d requests; its memory grew from %d to %d kB\n", s.requests.Load(), s.memory, late)
	if late-s.memory > mostGrowth {
		return fmt.Errorf("the server grew by %d kB, want at most %d", late-s.memory, mostGrowth)
	}
	return nil
}
