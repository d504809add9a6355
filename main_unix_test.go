//go:build unix

package main

import (
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/creack/pty"
)

// TestInterruptedScript checks that Ctrl-C ends both the program and the shell script that runs the program.
func TestInterruptedScript(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skipf("bash is not installed: %v", err)
	}
	c := exec.Command(bash, "-c", "$0 add alice; echo went on", os.Args[0])
	c.Env = []string{
		asProgram + "=1", "HOME=" + t.TempDir(), "AWS_VAULT_BACKEND=file", "AWS_VAULT_FILE_PASSPHRASE=horse battery",
		"TERM=dumb", "GOCOVERDIR=" + os.Getenv("GOCOVERDIR"),
	}
	tty, err := pty.Start(c)
	if err != nil {
		t.Fatal(err)
	}
	defer tty.Close()
	var shown strings.Builder
	for b := make([]byte, 1); !strings.HasSuffix(shown.String(), ": "); {
		if _, err := tty.Read(b); err != nil {
			t.Fatalf("%q, then %v", shown.String(), err)
		}
		shown.Write(b)
	}
	if _, err := tty.WriteString("\x03"); err != nil {
		t.Fatal(err)
	}
	rest, _ := io.ReadAll(tty) // ReadAll returns an error when no process uses the terminal any more
	if c.Wait(); strings.Contains(string(rest), "went on") {
		t.Errorf("the script went on after Ctrl-C: %q", rest)
	}
}
