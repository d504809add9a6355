//go:build unix

package cli_test

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/creack/pty"

	"aws-vault/internal/fakeaws"
)

// TestCancelBeforeServer presses Ctrl-C at a prompt before the command starts. The program must end, and must restore
// the settings of the terminal.
func TestCancelBeforeServer(t *testing.T) {
	aws, err := fakeaws.NewAWS()
	if err != nil {
		t.Fatal(err)
	}
	defer aws.Close()
	environ, _ := home(t, aws)
	aws.Reset()
	c := exec.Command("sh", "-c", `trap : INT; stty -a | grep -ow -e '-\?echo'; "$0" exec -s asks -- echo started; echo status $?; stty -a | grep -ow -e '-\?echo'; echo end`, os.Args[0])
	c.Env = environ
	tty, err := pty.Start(c)
	if err != nil {
		t.Fatal(err)
	}
	defer tty.Close()
	var output bytes.Buffer
	typed := false
	for block := make([]byte, 4096); !strings.Contains(output.String(), "end"); {
		n, err := tty.Read(block)
		output.Write(block[:n])
		if !typed && strings.Contains(output.String(), "MFA code of") {
			typed = true
			if _, err := tty.Write([]byte{3}); err != nil { // Ctrl-C
				t.Fatal(err)
			}
		}
		if err != nil {
			break
		}
	}
	c.Wait()
	text := output.String()
	if !strings.Contains(text, "status 130") || strings.Contains(text, "started") || strings.Contains(text, "-echo") || strings.Count(text, "echo\r\n") != 2 {
		t.Errorf("want status 130, no command and the terminal restored; the output is\n%s", text)
	}
	if calls := aws.Actions(); len(calls) != 0 {
		t.Errorf("AWS was called: %v", calls)
	}
}
