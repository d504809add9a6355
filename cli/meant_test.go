package cli_test

import (
	"bytes"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"aws-vault/cli"
	"aws-vault/cli/app"
	"aws-vault/vault/keystore"
)

// A command line that is read without the other commands is read as it is with them.
func TestFrequentCommands(t *testing.T) {
	for _, line := range []string{
		"exec", "exec --no-such-flag", "exec prod --no-such-flag", "exec --duration", "exec --duration=x prod", "exec --help prod", "exec prod -h", "exec a b c",
		"exec prod -- exec --help", "export", "export --format=bogus", "export a b", "export --help", "--debug exec --no-such-flag", "version", "version x", "--version", "-v", "--version=x",
	} {
		var outs [2]string
		for i, args := range [][]string{strings.Fields(line), append([]string{"--backend=file"}, strings.Fields(line)...)} { // the second is not read so
			var out bytes.Buffer
			status := cli.Main(t.Context(), args, app.Env{
				Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out, Home: t.TempDir(), Now: time.Now,
				Getenv: func(name string) (string, bool) { return "", false }, Environ: func() []string { return nil },
				LookPath: exec.LookPath, OpenKeystore: keystore.Open, Caller: func() string { return "" },
			})
			outs[i] = fmt.Sprintf("%d %s", status, out.String())
		}
		if outs[0] != outs[1] {
			t.Errorf("%s says\n%s\nand with all commands\n%s", line, outs[0], outs[1])
		}
	}
}
