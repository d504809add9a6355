//go:build unix

package prompt

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

const choiceVariable = "PROMPT_TEST_CHOICE"

func runPicker() {
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGINT)
	defer stop()
	report := json.NewEncoder(os.NewFile(outcomeFile, "outcome"))
	var c Choice
	if err := json.Unmarshal([]byte(os.Getenv(choiceVariable)), &c); err != nil {
		panic(err)
	}
	var o outcome
	var err error
	if o.Answer, err = Pick(ctx, realEnv(), c); err != nil {
		o.Err, o.Cancelled = err.Error(), errors.Is(err, ErrCancelled)
	}
	report.Encode(o)
}

// pick starts a child that shows a picker on a terminal with this size.
func pick(t *testing.T, rows, columns uint16, names ...string) *child {
	t.Helper()
	s := newScreen(t)
	if err := pty.Setsize(s.ptm, &pty.Winsize{Rows: rows, Cols: columns}); err != nil {
		t.Fatal(err)
	}
	c, err := json.Marshal(Choice{Text: "profile", Names: names})
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(choiceVariable, string(c))
	return s.start("picker")
}

// checkRestored checks that the terminal's settings are restored, that nothing was written to standard output, and
// that the terminal's output ends with the text in the argument last.
func (c *child) checkRestored(last string) {
	c.t.Helper()
	if err := c.cmd.Wait(); err != nil {
		c.t.Error(err)
	}
	if after := c.state(); after != c.before {
		c.t.Errorf("the terminal's settings are %+v, want %+v", after, c.before)
	}
	if c.stdout.Len() > 0 {
		c.t.Errorf("standard output is %q, want nothing", c.stdout)
	}
	for deadline := time.After(testTimeout); !strings.HasSuffix(c.transcript(), last); {
		select {
		case <-c.grown:
		case <-deadline:
			c.t.Fatalf("the terminal shows %q, want %q at its end", c.transcript(), last)
		}
	}
}

// drawing returns the output that draws the list once. The argument "of" is the number of all names.
func drawing(typed string, of int, rows ...string) string {
	text := "\r\x1b[Jprofile: " + typed
	for _, r := range rows {
		text += "\r\n" + r
	}
	n := 0
	for _, r := range rows {
		if r != "" {
			n++
		}
	}
	text += fmt.Sprintf("\r\n  %d of %d; Enter selects, Esc cancels", n, of)
	return text + fmt.Sprintf("\x1b[%dA\rprofile: %s", n+1, typed)
}

// TestPickTranscript checks the complete output to the terminal: it contains no queries, and only cursor movements
// that all terminals support.
func TestPickTranscript(t *testing.T) {
	c := pick(t, 24, 80, "dev", "prod", "prod-eu")
	c.expect("prod-eu", 1)
	c.press("p")
	c.expect("profile: p", 2)
	c.press("\x1b[B")
	c.expect("> prod-eu", 1)
	c.press("\r")
	c.wantAnswer("prod-eu")
	c.checkRestored("\r\x1b[Jprofile: prod-eu\r\n")
	want := drawing("", 3, "> dev", "  prod", "  prod-eu") + drawing("p", 3, "> prod", "  prod-eu") +
		drawing("p", 3, "  prod", "> prod-eu") + "\r\x1b[Jprofile: prod-eu\r\n"
	if got := c.transcript(); got != want {
		t.Errorf("the terminal was sent\n%q, want\n%q", got, want)
	}
}

func TestPickKeys(t *testing.T) {
	for _, test := range []struct{ name, keys, want string }{
		{"enter", "\r", "a0"},
		{"down twice and up", "\x1b[B\x1bOB\x1b[A\r", "a1"},
		{"control keys", "\x0e\x0e\x10\r", "a1"},
		{"not above the first", "\x1b[A\x1b[A\x1b[B\r", "a1"},
		{"not below the last", "\x1b[6~\x1b[6~\x1b[6~\x1b[A\r", "a18"},
		{"a page back", "\x1b[6~\x1b[B\x1b[5~\r", "a1"},
		{"typed", "a1\x7f7\r", "a7"},
		{"cleared and typed again", "xyz\x15a12\r", "a12"},
		{"a word erased", "1 xyz\x17\r", "a1"},
		{"no match, Enter ignored", "xyz\r\x15a3\r", "a3"},
		{"keys without an effect", "\x1b[C\x1b[3~\x1bx\x01\x00a5\r", "a5"},
		{"UTF-8", "é\x7f4\r", "a4"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var names []string
			for i := range 20 {
				names = append(names, fmt.Sprintf("a%d", i))
			}
			c := pick(t, 24, 80, names...)
			c.expect("20 of 20", 1)
			c.press(test.keys)
			c.wantAnswer(test.want)
			c.checkRestored("profile: " + test.want + "\r\n")
		})
	}
}

func TestPickCancelled(t *testing.T) {
	for name, act := range map[string]func(*child){
		"escape":       func(c *child) { c.press("\x1b") },
		"escape twice": func(c *child) { c.press("\x1b\x1b") },
		"Ctrl-C":       func(c *child) { c.press("\x03") },
		"Ctrl-D":       func(c *child) { c.press("\x04") },
		"a signal":     func(c *child) { c.signal(os.Interrupt) },
	} {
		t.Run(name, func(t *testing.T) {
			c := pick(t, 24, 80, "dev", "prod")
			c.expect("prod", 1)
			act(c)
			c.wantCancelled()
			c.checkRestored("\r\x1b[Jprofile: \r\n")
		})
	}
}

// TestPickFits checks that a list scrolls if it is longer than the terminal, and that no line is wider than the
// terminal.
func TestPickFits(t *testing.T) {
	c := pick(t, 6, 20, "one", "two", "three", "four", "a-name-that-is-much-too-long", "schön-schön-schön", "bad\x1b[2Jname")
	c.expect("of 7", 1)
	if strings.Contains(c.transcript(), "four") {
		t.Errorf("the terminal shows %q, want three names", c.transcript())
	}
	c.press("\x0e\x0e\x0e")
	c.expect("> four", 1)
	c.press("\x0e\x0e\x0e")
	c.expect("> bad", 1)
	for line := range strings.SplitSeq(strings.NewReplacer("\x1b[J", "", "\x1b[4A", "\n").Replace(c.transcript()), "\n") {
		if n := len([]rune(strings.Trim(line, "\r"))); n > 19 {
			t.Errorf("a line has %d characters: %q", n, line)
		}
	}
	if strings.Contains(c.transcript(), "\x1b[2J") {
		t.Error("a name moved the cursor")
	}
	c.press("\r")
	c.wantAnswer("bad\x1b[2Jname")
}

func TestPickWithoutTerminal(t *testing.T) {
	w := newFakeEnv(t)
	if _, err := Pick(t.Context(), w.env(), Choice{Names: []string{"a"}}); !errors.Is(err, ErrNoTerminal) {
		t.Errorf("Pick returned %v, want %v", err, ErrNoTerminal)
	}
}
