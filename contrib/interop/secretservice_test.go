//go:build interop && linux

package interop

import (
	"bufio"
	"strings"
	"testing"
)

// login is the name of the collection that GNOME unlocks when a user logs in.
const login = "login"

// startSession starts a session bus with GNOME's Secret Service in the world's home directory, and unlocks the Secret
// Service. It adds the bus to the world's environment.
func startSession(t *testing.T, w *world) {
	t.Helper()
	// The script ends the session when its stdin is closed.
	const session = `
printf %s password | gnome-keyring-daemon --foreground --unlock --components=secrets >/dev/null 2>&1 &
keyring=$!
gdbus wait --session --timeout 20 org.freedesktop.secrets
echo "$DBUS_SESSION_BUS_ADDRESS"
cat >/dev/null
kill $keyring
wait`
	c := w.command("dbus-run-session", "--", "sh", "-c", session)
	c.Env = append(c.Env, "XDG_RUNTIME_DIR="+w.home)
	stdin, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		c.Wait() // the status is ignored, because the daemon is killed at the end
	})
	address, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	w.env = append(w.env, "DBUS_SESSION_BUS_ADDRESS="+strings.TrimSpace(address))
}

func newSecretWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, "secret-service", "AWS_VAULT_SECRET_SERVICE_COLLECTION_NAME="+login)
	startSession(t, w)
	return w
}

func TestSecretService(t *testing.T) {
	t.Run("add, exec, list, remove", func(t *testing.T) { testKeystore(t, newSecretWorld(t)) })
	t.Run("nested", func(t *testing.T) { testNested(t, newSecretWorld(t)) })
	t.Run("item of aws-vault 7", func(t *testing.T) {
		w := newSecretWorld(t)
		w.input(itemOfSeven(t, "alice", w.Key), "secret-tool", "store", "--collection=/org/freedesktop/secrets/collection/"+login, "--label=alice", "profile", "alice")
		w.exec("true")
		w.calls(chain...)
	})
}

// testKeystore stores an access key, uses it twice, lists it, and removes it.
func testKeystore(t *testing.T, w *world) {
	w.add(w.Key)
	w.exec("true")
	w.calls(chain...)
	w.exec("true")
	w.calls()
	if have := w.vault("list", "--credentials"); strings.TrimSpace(have) != "alice" {
		t.Errorf("the keystore lists %q, want alice", have)
	}
	w.vault("remove", "--force", "alice")
	if have := w.vault("list", "--credentials"); strings.TrimSpace(have) != "" {
		t.Errorf("after its removal the keystore lists %q", have)
	}
	w.fails("exec", "prod", "--", "true")
	w.calls()
}

// testNested runs a client that uses credential_process, in an environment with the variables of another profile.
func testNested(t *testing.T, w *world) {
	w.add(w.Key)
	out := w.vault("exec", "--no-session", "alice", "--",
		awsCLI, "--endpoint-url", w.aws.URL(), "--profile", "prod-process", "--output", "text", "--query", "Arn", "sts", "get-caller-identity")
	if strings.TrimSpace(out) != prodARN {
		t.Errorf("nested, it is %q, want %s", out, prodARN)
	}
	w.calls(append(chain[:len(chain):len(chain)], identity)...)
}
