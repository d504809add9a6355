//go:build interop && linux

package interop

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// awsCLI is the path of Debian's AWS CLI. The tests use the path because another AWS CLI may come first in PATH.
const awsCLI = "/usr/bin/aws"

const passphrase = "AWS_VAULT_FILE_PASSPHRASE=correct-horse"

// TestAWSCLI and TestJavaScriptSDK call GetCallerIdentity with one client each. The client gets its credentials
// once from exec and once from credential_process. In each case the client runs twice, and the second run must use
// the sessions of the first run.
func TestAWSCLI(t *testing.T) {
	who := func(w *world) []string {
		return []string{awsCLI, "--endpoint-url", w.aws.URL(), "--region", "eu-central-1", "--output", "json", "sts", "get-caller-identity"}
	}
	testClient(t, client{
		exec: who,
		process: func(w *world) (command, env []string) {
			return who(w), []string{"AWS_PROFILE=prod-process"}
		},
		arn: func(out string) (string, error) {
			var answer struct{ Arn string }
			err := json.Unmarshal([]byte(out), &answer)
			return answer.Arn, err
		},
	})
}

func TestJavaScriptSDK(t *testing.T) {
	script := filepath.Join(os.Getenv(modulesVariable), "whoami.mjs")
	testClient(t, client{
		exec: func(w *world) []string { return []string{"node", script, w.aws.URL()} },
		process: func(w *world) (command, env []string) {
			return []string{"node", script, w.aws.URL(), "prod-process"}, nil
		},
		arn: func(out string) (string, error) { return strings.TrimSpace(out), nil },
	})
}

// A client describes a program that calls GetCallerIdentity.
type client struct {
	exec    func(*world) []string                // returns the command that exec must run
	process func(*world) (command, env []string) // returns a command that uses credential_process, without exec
	arn     func(out string) (string, error)
}

func testClient(t *testing.T, c client) {
	t.Run("exec", func(t *testing.T) {
		w := newWorld(t, "file", passphrase)
		w.add(w.Key)
		c.check(t, w, func() string { return w.exec(c.exec(w)...) })
	})
	t.Run("credential_process", func(t *testing.T) {
		w := newWorld(t, "file", passphrase)
		w.add(w.Key)
		command, env := c.process(w)
		w.env = append(w.env, env...)
		c.check(t, w, func() string { return w.input("", command[0], command[1:]...) })
	})
}

func (c client) check(t *testing.T, w *world, run func() string) {
	t.Helper()
	for _, calls := range [][]string{append(chain[:len(chain):len(chain)], identity), {identity}} {
		out := run()
		if arn, err := c.arn(out); err != nil || arn != prodARN {
			t.Errorf("it is %q, %v, want %s", out, err, prodARN)
		}
		w.calls(calls...)
	}
}
