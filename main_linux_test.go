package main

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// TestHideMemory checks that the kernel writes no core file of this process, and that other processes cannot read its
// memory.
func TestHideMemory(t *testing.T) {
	hideMemory()
	dumpable, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	if err != nil || dumpable != 0 {
		t.Errorf("dumpable is %d, %v, want 0", dumpable, err)
	}
}

// TestKeySignalsAtPrompt checks that Ctrl-C and Ctrl-\ at a prompt end the program, and that the terminal then shows
// what the user types, as before the prompt.
func TestKeySignalsAtPrompt(t *testing.T) {
	for key, name := range map[string]string{"\x03": "Ctrl-C", "\x1c": `Ctrl-\`} {
		t.Run(name, func(t *testing.T) {
			tty, slave, err := pty.Open()
			if err != nil {
				t.Fatal(err)
			}
			defer tty.Close()
			c := exec.Command(os.Args[0], "add", "alice")
			c.Env = []string{
				asProgram + "=1", "HOME=" + t.TempDir(), "AWS_VAULT_BACKEND=file", "AWS_VAULT_FILE_PASSPHRASE=horse battery",
				"TERM=dumb", "GOCOVERDIR=" + os.Getenv("GOCOVERDIR"),
			}
			c.Stdin, c.Stdout, c.Stderr = slave, slave, slave
			c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
			before := echo(t, tty)
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			shown := bufio.NewReader(tty)
			for text := ""; !strings.HasSuffix(text, ": "); {
				b, err := shown.ReadByte()
				if err != nil {
					t.Fatalf("%q, then %v", text, err)
				}
				text += string(b)
			}
			if _, err := tty.WriteString(key); err != nil {
				t.Fatal(err)
			}
			c.Wait()
			if after := echo(t, tty); after != before || !before {
				t.Errorf("the terminal echoes: %v, before the prompt: %v", after, before)
			}
			slave.Close()
			if rest, _ := io.ReadAll(shown); strings.Contains(string(rest), "goroutine") {
				t.Errorf("the program printed %q", rest)
			}
		})
	}
}

// echo reports whether a terminal shows what the user types.
func echo(t *testing.T, tty *os.File) bool {
	t.Helper()
	settings, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return settings.Lflag&unix.ECHO != 0
}
