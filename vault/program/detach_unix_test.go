//go:build unix

package program

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

// TestCommandWithoutTerminal checks that a program is started in a new session, without a terminal, while the
// terminal is busy.
func TestCommandWithoutTerminal(t *testing.T) {
	const line = `ps -o sid= -p $$ | tr -d ' '; echo $$; echo "<$GPG_TTY>"`
	s := &Starter{}
	for _, busy := range []bool{true, false} {
		clear := func() {}
		if busy {
			clear = s.SetTerminalBusy()
		}
		c := s.Command(t.Context(), []string{"PATH=/usr/bin:/bin", "GPG_TTY=/dev/pts/1"}, "sh", "-c", line)
		clear()
		out, err := c.Output()
		if err != nil {
			t.Fatal(err)
		}
		fields := strings.Fields(string(out))
		if leads := fields[0] == fields[1]; leads != busy || c.NoTerminal != busy || (fields[2] == "<>") != busy {
			t.Errorf("terminal busy: %t: the program printed %q, NoTerminal is %t", busy, fields, c.NoTerminal)
		}
		failure := errors.New("exit status 1")
		var noTerminal *NoTerminalError
		if err := c.WrapError(failure); errors.As(err, &noTerminal) != busy || !errors.Is(err, failure) || c.WrapError(nil) != nil {
			t.Errorf("terminal busy: %t: WrapError returned %v", busy, err)
		}
	}
}

// When the context ends, child processes of the program are killed too.
func TestChildrenAreKilled(t *testing.T) {
	s := &Starter{}
	defer s.SetTerminalBusy()()
	ctx, cancel := context.WithCancel(t.Context())
	c := s.Command(ctx, nil, "sh", "-c", "sleep 600 & echo started; wait")
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	if line, err := lines.ReadString('\n'); err != nil || line != "started\n" {
		t.Fatalf("the program printed %q, %v", line, err)
	}
	cancel()
	if _, err := io.ReadAll(lines); err != nil { // the end of the output shows that the child, sleep, has ended
		t.Error(err)
	}
	var exit *exec.ExitError
	if err := c.Wait(); !errors.As(err, &exit) && !errors.Is(err, context.Canceled) {
		t.Errorf("the program ended with %v", err)
	}
}
