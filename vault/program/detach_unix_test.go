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

// While the terminal is busy, a program runs in its own session and does not know the terminal.
func TestCommandWithoutTerminal(t *testing.T) {
	const line = `ps -o sid= -p $$ | tr -d ' '; echo $$; echo "<$GPG_TTY>"`
	s := &Starter{}
	for _, lent := range []bool{true, false} {
		giveBack := func() {}
		if lent {
			giveBack = s.SetTerminalBusy()
		}
		c := s.Command(t.Context(), []string{"PATH=/usr/bin:/bin", "GPG_TTY=/dev/pts/1"}, "sh", "-c", line)
		giveBack()
		out, err := c.Output()
		if err != nil {
			t.Fatal(err)
		}
		said := strings.Fields(string(out))
		if leads := said[0] == said[1]; leads != lent || c.NoTerminal != lent || (said[2] == "<>") != lent {
			t.Errorf("terminal busy: %t: the program printed %q, NoTerminal is %t", lent, said, c.NoTerminal)
		}
		failure := errors.New("exit status 1")
		var without *NoTerminalError
		if err := c.WrapError(failure); errors.As(err, &without) != lent || !errors.Is(err, failure) || c.WrapError(nil) != nil {
			t.Errorf("terminal busy: %t: WrapError returned %v", lent, err)
		}
	}
}

// When the context ends, the children of the program are killed too.
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
	shown := bufio.NewReader(out)
	if line, err := shown.ReadString('\n'); err != nil || line != "started\n" {
		t.Fatalf("the program printed %q, %v", line, err)
	}
	cancel()
	if _, err := io.ReadAll(shown); err != nil { // ends when sleep has ended too
		t.Error(err)
	}
	var exit *exec.ExitError
	if err := c.Wait(); !errors.As(err, &exit) && !errors.Is(err, context.Canceled) {
		t.Errorf("the program ended with %v", err)
	}
}
