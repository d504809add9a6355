package run

import (
	"encoding/json"
	"errors"
	"os"
	"runtime"
	"testing"
	"time"

	"aws-vault/cli/app"
	"aws-vault/vault/disk"
)

// TestRegistry checks that only one server can use an endpoint. It also checks that listing the servers removes
// all files of killed servers, and no other files.
func TestRegistry(t *testing.T) {
	state := disk.NewFolder(t.TempDir())
	at := endpoint{address: "127.0.0.1:9699"}
	first, err := register(t.Context(), state, at)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := register(t.Context(), state, at); !errors.Is(err, errServedAlready) {
		t.Errorf("%v, want %v", err, errServedAlready)
	}
	folder := disk.NewFolder(t.TempDir()) // a folder outside the registry, as with --token-dir
	wanted, replaced, ours := registryFile{folder, "alice"}, registryFile{folder, "bob"}, first.tokenFile("alice")
	entry := registeredServer{Process: 1, Address: at.address}
	for file, now := range map[registryFile]string{wanted: "EXAMPLE", replaced: "EXAMPLE of another server", ours: "EXAMPLE"} {
		if err := first.write(file, []byte(now)); err != nil {
			t.Fatal(err)
		}
		entry.Profiles = append(entry.Profiles, registeredProfile{Name: file.name, TokenFile: file.path(), Token: app.Digest("EXAMPLE")})
	}
	text, err := json.Marshal(entry)
	if err != nil {
		t.Fatal(err)
	}
	if err := first.write(registryFile{first.dir, first.name + ".json"}, text); err != nil {
		t.Fatal(err)
	}
	for _, left := range []string{"damaged.json", "early-0123.token", "locked.lock"} { // these files belong to other servers that were killed
		if err := os.WriteFile(registryFolder(state).File(left), []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if running, killed, err := registeredServers(registryFolder(state)); err != nil || len(running) != 1 || running[0].Process != 1 || len(killed) != 0 {
		t.Errorf("%+v, %+v, %v", running, killed, err)
	}
	first.lock.Close() // this releases the lock, as if the process were killed
	// The second call to register above has failed, but its goroutine still waits for the lock. The goroutine
	// acquires the lock now and soon releases it.
	running, killed, err := registeredServers(registryFolder(state))
	for late := time.Now().Add(30 * time.Second); len(running) > 0 && time.Now().Before(late); runtime.Gosched() {
		running, killed, err = registeredServers(registryFolder(state))
	}
	if err != nil || len(running) != 0 || len(killed) != 1 || killed[0].Address != at.address {
		t.Errorf("%+v, %+v, %v", running, killed, err)
	}
	left, err := registryFolder(state).Entries()
	for late := time.Now().Add(30 * time.Second); len(left) > 0 && time.Now().Before(late); runtime.Gosched() {
		registeredServers(registryFolder(state)) // the previous call skipped lock files that were still in use, so call again
		left, err = registryFolder(state).Entries()
	}
	if len(left) > 0 || err != nil {
		t.Errorf("files %v are left, error %v", left, err)
	}
	for file, there := range map[registryFile]bool{wanted: false, replaced: true} {
		if _, err := os.Stat(file.path()); (err == nil) != there {
			t.Errorf("%s: %v", file.name, err)
		}
	}
}

func TestFormatVariables(t *testing.T) {
	one := []variableSet{{"a\nb", []variable{{"X", "y z"}}}}
	two := append(one, variableSet{profile: "c"})
	for _, c := range []struct {
		format string
		sets   []variableSet
		want   string
	}{
		{"env", one, "X='y z'\n"},
		{"export-env", two, "# a b\nexport X='y z'\n# c\n"},
		{"cmd", two, "rem a b\nset \"X=y z\"\nrem c\n"},
		{"json", two, "{\n  \"a\\nb\": {\n    \"X\": \"y z\"\n  },\n  \"c\": {}\n}\n"},
	} {
		if text, err := formatVariables(c.format, c.sets); err != nil || string(text) != c.want {
			t.Errorf("%s: %q, %v, want %q", c.format, text, err, c.want)
		}
	}
	if text, err := formatVariables("cmd", []variableSet{{"a", []variable{{"X", "%"}}}}); err == nil {
		t.Errorf("%q, want an error", text)
	}
}
