//go:build unix

package prompt

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

const canary = "wJalrXUtnFEMI/K7MDENG/EXAMPLEKEY"

func TestTerminalShowsCode(t *testing.T) {
	c := newScreen(t).start("asker", Request{Kind: Code, Text: "MFA code for alice to use profile prod", Program: "terraform"})
	c.expect("prod: ", 1)
	c.press("123 45\x7f56\r")
	c.wantAnswer("123456")
	c.finish()
	c.wantTranscript("requested by terraform\r\nMFA code for alice to use profile prod: 123 45\b \b56\r\n")
}

func TestTerminalAsksAgainForSixDigits(t *testing.T) {
	c := newScreen(t).start("asker", Request{Kind: Code, Text: "code", RetryReason: "AWS refused that code"})
	c.expect("code: ", 1)
	c.press("12345\r")
	c.expect("code: ", 2)
	c.press("123456\r")
	c.wantAnswer("123456")
	c.finish()
	c.wantTranscript("AWS refused that code\r\ncode: 12345\r\nenter the six digits of the code\r\ncode: 123456\r\n")
}

func TestTerminalHidesSecrets(t *testing.T) {
	s := newScreen(t)
	c := s.start("asker",
		Request{Kind: Secret, Text: "secret access key"},
		Request{Kind: Passphrase, Text: "passphrase", New: true})
	c.expect("secret access key: ", 1)
	c.press("mistyped\x15" + canary + "é\x7f\r")
	c.wantAnswer(canary)
	c.expect("passphrase: ", 1)
	c.press(canary + "\r")
	c.expect("passphrase (again): ", 1)
	c.press(canary + "\r")
	c.wantAnswer(canary)
	c.finish()
	c.wantTranscript("secret access key: ********" + strings.Repeat("\b \b", 8) +
		strings.Repeat("*", len(canary)+1) + "\b \b\r\npassphrase: \r\npassphrase (again): \r\n")
}

func TestTypeAheadIsKept(t *testing.T) {
	c := newScreen(t).start("asker", Request{Kind: Line, Text: "key id"}, Request{Kind: Secret, Text: "secret"})
	c.expect("key id: ", 1)
	c.press("AKIAIOSFODNN7EXAMPLE\n" + canary + "\n")
	c.wantAnswer("AKIAIOSFODNN7EXAMPLE")
	c.wantAnswer(canary)
	c.finish()
}

func TestTerminalConfirms(t *testing.T) {
	for typed, want := range map[string]string{"y": "y", " YES ": "y", "": "", "n": "", "yep": ""} {
		c := newScreen(t).start("asker", Request{Kind: Confirm, Text: "Delete the key of alice?"})
		c.expect("Delete the key of alice? (y|N) ", 1)
		c.press(typed + "\r")
		c.wantAnswer(want)
		c.finish()
	}
}

// TestTerminalCancelled checks that Ctrl-C, Ctrl-D and a cancelled context cancel a question.
func TestTerminalCancelled(t *testing.T) {
	for name, end := range map[string]func(*child){
		"interrupt key": func(c *child) { c.press("\x03") },
		"end of file":   func(c *child) { c.press("\x04") },
		"context":       func(c *child) { c.signal(unix.SIGUSR1) },
	} {
		for _, kind := range []Kind{Code, Passphrase, Secret, Line, Confirm} {
			t.Run(name+" "+kind.String(), func(t *testing.T) {
				c := newScreen(t).start("asker", Request{Kind: kind, Text: "question"})
				c.expect("question", 1)
				c.press("ab\x15")
				end(c)
				c.wantCancelled()
				c.finish()
			})
		}
	}
}

// TestRestoreDiscardsPendingInput pastes a secret, reads one byte of the secret, and calls Restore(true). The next
// reader must not receive the rest of the secret.
func TestRestoreDiscardsPendingInput(t *testing.T) {
	s := newScreen(t)
	tty, err := openTTY(s.pts.Name())
	if err != nil {
		t.Fatal(err)
	}
	defer tty.Close()
	if err := tty.EnableKeys(); err != nil {
		t.Fatal(err)
	}
	s.press(canary)
	if _, err := tty.ReadKey(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := tty.Restore(true); err != nil {
		t.Fatal(err)
	}
	s.press("after\n")
	if _, err := tty.await(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	rest := make([]byte, 100)
	n, err := unix.Read(tty.fd, rest)
	if got := string(rest[:max(n, 0)]); got != "after\n" {
		t.Errorf("the next reader got %q (%v), want only the input typed afterwards", got, err)
	}
}

// TestYKManUsesTerminal checks that ykman can prompt for a password on the terminal while standard input and output
// are pipes. It also checks that ykman is used only if it is requested by name. Without a requested name, the
// terminal driver must ask.
func TestYKManUsesTerminal(t *testing.T) {
	ykman := script(t, "ykman", `
case $1 in
list) echo 123 ;;
*) printf "password of the key: " >&2; read -r password; [ "$password" = open ] && echo 123456 ;;
esac
`)
	t.Setenv("PATH", filepath.Dir(ykman)+string(os.PathListSeparator)+os.Getenv("PATH"))
	r := Request{Kind: Code, Text: "code", Device: "mfa/alice"}
	c := newScreen(t).start("asker", r)
	c.expect("code: ", 1)
	c.press("654321\r")
	c.wantAnswer("654321")
	c.finish()

	t.Setenv(driverVariable, "ykman")
	c = newScreen(t).start("asker", r)
	c.expect("password of the key: ", 1)
	c.press("open\r")
	c.wantAnswer("123456")
	c.finish()
}

func TestTerminalGone(t *testing.T) {
	ptm, pts, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer pts.Close()
	tty, err := openTTY(pts.Name())
	if err != nil {
		t.Fatal(err)
	}
	defer tty.Close()
	ptm.Close()
	if _, err := readLine(t.Context(), tty, "", echoPlain); !errors.Is(err, ErrCancelled) {
		t.Errorf("the error of a closed terminal is %v, want %v", err, ErrCancelled)
	}
}

// TestTerminalHalted checks that a question can be cancelled while the user has paused the terminal's output.
func TestTerminalHalted(t *testing.T) {
	ptm, pts, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer ptm.Close()
	defer pts.Close()
	tty, err := openTTY(pts.Name())
	if err != nil {
		t.Fatal(err)
	}
	defer tty.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for err == nil {
		err = tty.Write(ctx, strings.Repeat("full ", 1000))
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the error of a write to a paused terminal is %v, want %v", err, context.Canceled)
	}
}

func TestNoTerminal(t *testing.T) {
	for _, path := range []string{"/dev/null", "/nonexistent"} {
		tty, err := openTTY(path)
		if err == nil {
			err = tty.EnableKeys()
			tty.Close()
		}
		if err == nil {
			t.Errorf("%s was accepted as a terminal", path)
		}
	}
}
