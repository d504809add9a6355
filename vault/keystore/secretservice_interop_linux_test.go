package keystore

import (
	"bufio"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/godbus/dbus/v5"

	"aws-vault/vault/disk"
)

// startBus starts a session bus for the test and returns its address.
func startBus(t *testing.T) string {
	t.Helper()
	cmd := exec.Command("dbus-daemon", "--session", "--nofork", "--print-address")
	cmd.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+t.TempDir())
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(address)
}

// startGNOMEKeyring starts GNOME Keyring, unlocked, on a separate bus.
func startGNOMEKeyring(t *testing.T) (address string) {
	t.Helper()
	address = startBus(t)
	home := t.TempDir()
	cmd := exec.Command("gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets")
	cmd.Env = append(os.Environ(), "DBUS_SESSION_BUS_ADDRESS="+address, "HOME="+home,
		"XDG_DATA_HOME="+home, "XDG_RUNTIME_DIR="+home, "XDG_CONFIG_HOME="+home)
	cmd.Stdin = strings.NewReader("password")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	waitForOwner(t, address)
	return address
}

// waitForOwner waits until the Secret Service has registered its name on the bus at address.
func waitForOwner(t *testing.T, address string) {
	t.Helper()
	conn, err := dbus.Connect(address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	signals := make(chan *dbus.Signal, 16)
	conn.Signal(signals)
	if err := conn.AddMatchSignal(dbus.WithMatchMember("NameOwnerChanged")); err != nil {
		t.Fatal(err)
	}
	for {
		var owned bool
		if err := conn.BusObject().Call(busName+".NameHasOwner", 0, serviceName).Store(&owned); err != nil {
			t.Fatal(err)
		}
		if owned {
			return
		}
		select {
		case <-signals:
		case <-t.Context().Done():
			t.Fatal("the service did not start")
		}
	}
}

// createCollection creates a collection without a prompt. It uses an internal interface of GNOME Keyring.
func createCollection(t *testing.T, ring *secretRing) {
	t.Helper()
	err := ring.service.withSession(t.Context(), func(session *secretSession) error {
		master, err := session.seal([]byte("password"))
		if err != nil {
			return err
		}
		master.ContentType = "text/plain"
		properties := map[string]dbus.Variant{collectionInterface + ".Label": dbus.MakeVariant(ring.collection)}
		var path dbus.ObjectPath
		const internal = "org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface.CreateWithMasterPassword"
		return ring.service.call(t.Context(), servicePath, internal, []any{properties, master}, &path)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestSecretServiceInterop(t *testing.T) {
	skipUnlessInterop(t, "dbus-daemon", "gnome-keyring-daemon", "go")
	address := startGNOMEKeyring(t)
	k := mustOpen(t, Config{Getenv: busAt(address), State: disk.NewFolder(t.TempDir())})
	if k.Name != secretBackend {
		t.Fatalf("opened %s, want %s", k.Name, secretBackend)
	}
	keys := k.Keys.(*secretRing)
	if names, err := keys.Names(t.Context()); err != nil || len(names) != 0 {
		t.Errorf("without a collection, Names = %q, %v", names, err)
	}
	testMissing(t, keys)
	createCollection(t, keys)

	paths := []string{"a/b", "..x", "50%", "oidc:https://example.com/start"}
	t.Run("keys", func(t *testing.T) { testRing(t, keys, ringTest{names: paths}) })
	t.Run("private", func(t *testing.T) { testRing(t, k.Private, ringTest{names: paths, private: true}) })
	t.Run("aws-vault 7", func(t *testing.T) {
		testAWSVault7(t, buildAWSVault7(t, secretBackend, "DBUS_SESSION_BUS_ADDRESS="+address), k, ringTest{})
	})
	if keys.service.session.key == nil {
		t.Error("secrets were sent over the bus without encryption")
	}
}
