package cli_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"aws-vault/cli/system"
)

// TestHolder starts a program named scdaemon. Like the real scdaemon, this program loads libpcsclite. CardHolder must
// return the name scdaemon.
func TestHolder(t *testing.T) {
	library, err := filepath.Glob("/usr/lib/*/libpcsclite.so.1")
	if err != nil || len(library) == 0 {
		t.Skip("needs libpcsclite")
	}
	holder := system.NewEnv("", system.RemoveSecrets()).CardHolder
	if name := holder(); name != "" {
		t.Skipf("%s uses cards on this machine", name)
	}
	cat, err := exec.LookPath("cat")
	if err != nil {
		t.Skip(err)
	}
	text, err := os.ReadFile(cat)
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "scdaemon")
	if err := os.WriteFile(program, text, 0o700); err != nil {
		t.Fatal(err)
	}
	c := exec.Command(program)
	c.Env = []string{"LD_PRELOAD=" + library[0]}
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	in.Write([]byte("started\n"))
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Error(err)
	}
	if name := holder(); name != "scdaemon" {
		t.Errorf("the card is used by %q, want scdaemon", name)
	}
	in.Close()
	c.Wait()
	if name := holder(); name == "scdaemon" {
		t.Error("the card is used by scdaemon after scdaemon ended")
	}
}
