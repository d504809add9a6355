//go:build unix

package prompt

import (
	"testing"

	"golang.org/x/sys/unix"
)

// TestSuspend stops the asker with Ctrl-Z and continues it. While the asker is stopped, the terminal echoes keys
// for the shell. One part of the answer is typed before the stop, and the other part after the stop. The asker must
// hide both parts.
func TestSuspend(t *testing.T) {
	c := newScreen(t).start("shell", Request{Kind: Secret, Text: "secret"})
	c.expect("secret: ", 1)
	c.press("abc")
	c.expect("***", 1)
	c.press("\x1a")
	c.wantAnswer("stopped, echo true")
	c.expect("\nsecret: ***", 1)
	c.press("def\r")
	c.wantAnswer("abcdef")
	if got := c.outcome().Stdin; got != "" {
		t.Errorf("standard input is %q, want nothing", got)
	}
	if err := c.cmd.Wait(); err != nil {
		t.Error(err)
	}
	if after := c.state(); after != c.before {
		t.Errorf("the terminal's settings are %+v, want %+v", after, c.before)
	}
	c.wantTranscript("secret: ***\r\nsecret: ******\r\n")
}

// TestSuspendWithoutShell presses Ctrl-Z where no shell could continue the process, as in a container. The prompt
// must remain usable.
func TestSuspendWithoutShell(t *testing.T) {
	c := newScreen(t).start("asker", Request{Kind: Secret, Text: "secret"})
	c.expect("secret: ", 1)
	c.press("abc")
	c.expect("***", 1)
	c.press("\x1a")
	c.expect("secret: ***", 2)
	c.press("def\r")
	c.wantAnswer("abcdef")
	c.finish()
}

// TestContinued stops the asker with SIGSTOP and changes the terminal's settings, as a shell would. After SIGCONT,
// the asker must set up the terminal again.
func TestContinued(t *testing.T) {
	c := newScreen(t).start("asker", Request{Kind: Passphrase, Text: "passphrase"})
	c.expect("passphrase: ", 1)
	c.signal(unix.SIGSTOP)
	if err := unix.IoctlSetTermios(int(c.pts.Fd()), termiosWrite, &c.before); err != nil {
		t.Fatal(err)
	}
	c.signal(unix.SIGCONT)
	c.expect("passphrase: ", 2)
	c.press(canary + "\r")
	c.wantAnswer(canary)
	c.finish()
	c.wantTranscript("passphrase: \r\npassphrase: \r\n")
}
